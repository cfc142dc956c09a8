/** The files that a certificate is served from, and how. */
export interface TlsSettings {
  /** PEM: the certificate, then those that lead to its authority. */
  readonly certFile: string;
  /** PEM, not encrypted. */
  readonly keyFile: string;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
}

/** What stands between an accepted connection and the requests on it. */
export interface ListenerSettings {
  /** Every connection starts with a PROXY header, version 1 or 2. */
  readonly proxyProtocol: boolean;
  /** Undefined: connections are in the clear. */
  readonly tls: TlsSettings | undefined;
  /** Offered beside HTTP/1.1 to clients that come by TLS. */
  readonly http2: boolean;
  /** Requests at a time on one HTTP/2 connection. */
  readonly http2MaxStreams: number;
  /** What an HTTP/2 connection may carry beside its requests, as `OverheadMeter` counts it. No setting of the program. */
  readonly http2OverheadBytesPerSecond: number;
  /** For a PROXY header, and after it for a TLS handshake. */
  readonly handshakeTimeoutMs: number;
  /** How long a WebSocket connection may be silent in both directions. */
  readonly webSocketIdleTimeoutMs: number;
}

export const LISTENER_DEFAULTS: ListenerSettings = {
  proxyProtocol: false,
  tls: undefined,
  http2: true,
  http2MaxStreams: 100,
  // About 15,000 PINGs, or 28,000 one-octet pieces of a body, which are the dearest of these frames to read.
  http2OverheadBytesPerSecond: 256 * 1024,
  handshakeTimeoutMs: 10_000,
  webSocketIdleTimeoutMs: 3_600_000,
};
