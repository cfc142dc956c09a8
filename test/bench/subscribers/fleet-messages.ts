/** What a process with a part of the subscribers is told at its start. */
export interface FleetPart {
  readonly redisUrl: string;
  readonly environment: string;
  /** base64url. */
  readonly rootKey: string;
  readonly subscribers: number;
  /** Where bare hints are published, and the key that each bare subscriber then gets. */
  readonly bare: { readonly topic: string; readonly key: string };
}

/** What it says: all of its subscribers were told, the last one at this time of the monotonic clock, nanoseconds. */
export type FleetMessage = { readonly kind: 'ready' } | { readonly kind: 'told'; readonly lastAtNs: string };
