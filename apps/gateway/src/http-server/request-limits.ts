/** What clients may cost. Every one is a setting (`docs/reference/settings.md`), each process of a gateway has its own count. */
export interface RequestLimits {
  /** Request line and headers, and trailers, of one request; above it 431. */
  readonly maxHeaderBytes: number;
  /** Header lines of one request; above it 431. */
  readonly maxHeaderLines: number;
  /** Request target, as it was sent; above it 414. */
  readonly maxUrlBytes: number;
  /** Body of one request; above it 413. 0: any size. */
  readonly maxBodyBytes: number;
  /** A body that a policy reads is held in memory up to this size; above it 413 (contract 5.3). */
  readonly maxBufferedBodyBytes: number;
  /** Body of a request to the token endpoints; above it 413. */
  readonly maxTokenBodyBytes: number;
  /** From the first byte of a request to the end of its headers; then 408. */
  readonly headerTimeoutMs: number;
  /** From the end of a request's headers to the last byte of its body; then 408. */
  readonly bodyTimeoutMs: number;
  /** Between two pieces of a body that is waited for; then 408. */
  readonly bodyIdleTimeoutMs: number;
  /** While an answer waits for its client to read on; then the connection is closed. */
  readonly writeIdleTimeoutMs: number;
  /** How long a connection is kept without a request: longer than common balancers keep theirs, so that they close first. */
  readonly clientIdleTimeoutMs: number;
  /** Open connections; what comes above it is closed at once. */
  readonly maxConnections: number;
  /** Requests whose answers are not out; above it 503. */
  readonly maxRequestsInFlight: number;
  /** Of the memory that the process may have; above it few requests at a time are served, the others 503. 0: not looked at. */
  readonly maxHeapPercent: number;
}

const MIB = 1024 * 1024;

export const DEFAULT_LIMITS: RequestLimits = {
  maxHeaderBytes: 16 * 1024,
  maxHeaderLines: 200,
  maxUrlBytes: 8 * 1024,
  maxBodyBytes: 0,
  maxBufferedBodyBytes: MIB,
  maxTokenBodyBytes: 64 * 1024,
  headerTimeoutMs: 15_000,
  bodyTimeoutMs: 300_000,
  bodyIdleTimeoutMs: 30_000,
  writeIdleTimeoutMs: 60_000,
  clientIdleTimeoutMs: 75_000,
  maxConnections: 20_000,
  maxRequestsInFlight: 10_000,
  maxHeapPercent: 90,
};
