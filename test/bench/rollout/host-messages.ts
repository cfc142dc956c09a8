/** Gateways that share one process, as it is told at its start. */
export interface HostedGateways {
  readonly environment: string;
  readonly gatewayKey: string;
  readonly redisUrl: string;
  readonly gatewayIds: readonly string[];
  /** For their snapshots. */
  readonly directory: string;
}

/** One change to look out for. */
export interface AwaitedChange {
  readonly change: number;
  /** Of the proxy, on every gateway. */
  readonly path: string;
  /** See `strayToken`. */
  readonly strayToken: string;
  /** See `goodToken`. */
  readonly goodToken: string;
}

export type HostMessage =
  | { readonly kind: 'ready' }
  /** From now on it sees the change. */
  | { readonly kind: 'looking'; readonly change: number }
  /** All its gateways enforce it; nanoseconds of the machine's monotonic clock, decimal, when the last one was seen to. */
  | { readonly kind: 'enforced'; readonly change: number; readonly atNs: string }
  | { readonly kind: 'failed'; readonly reason: string };
