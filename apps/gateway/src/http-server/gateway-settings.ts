import type { AdminOrigin } from '../upstream/address-guard.ts';

/** What the traffic server and the upstream pool are told by the composition root. */
export interface GatewaySettings {
  /** Prefix of all API traffic, `''` or `/apigateway`; token endpoints stay at the root. For `claimsOf`. */
  readonly rootContext: string;
  /** CIDRs (or single addresses) whose `X-Forwarded-*` and correlation id are believed. Default: none. */
  readonly trustedProxies: readonly string[];
  /** A body that a policy reads is held in memory up to this size; above it 413. Default 1 MiB (contract 5.3). */
  readonly maxBufferedBodyBytes: number;
  /** Body of a request to the token endpoints at most; above it 413. Default 64 KiB. */
  readonly maxTokenBodyBytes: number;
  /** Where the gateway's own admin endpoints listen; for `UpstreamPool`. */
  readonly adminOrigin: AdminOrigin | undefined;
}

export const GATEWAY_DEFAULTS: GatewaySettings = {
  rootContext: '',
  trustedProxies: [],
  maxBufferedBodyBytes: 1024 * 1024,
  maxTokenBodyBytes: 64 * 1024,
  adminOrigin: undefined,
};

/** Limits of the listening socket: what a client may cost before its request is known. */
export const LISTENER_LIMITS = {
  /** Request line and headers at most; above it 431. */
  headBytes: 16 * 1024,
  /** Header lines at most; above it 431. */
  headerLines: 200,
  /** From the first byte of a request to the end of its headers; then 408. */
  headTimeoutMs: 15_000,
  /** From the first byte of a request to the last of its body; then 408. */
  requestTimeoutMs: 300_000,
  /** How long an idle client connection is kept: longer than common balancers keep theirs, so that they close first. */
  idleConnectionMs: 75_000,
  /** How often the two deadlines above are looked at. */
  deadlineCheckMs: 5_000,
  /** While draining: how long a connection without a request is kept, since its first one may be on its way. */
  drainIdleGraceMs: 250,
  /** While draining: how often idle connections are looked for after that. */
  drainIdleLookMs: 50,
} as const;
