/** What a process with a part of the gateways is told at its start. */
export interface FleetPart {
  readonly redisUrl: string;
  readonly environment: string;
  /** base64url. */
  readonly rootKey: string;
  /** Their ids: `gateway-<first>` and so on. */
  readonly first: number;
  readonly gateways: number;
}

/** What it says. Times are of the monotonic clock that all processes of a machine share, in nanoseconds. */
export type FleetMessage =
  | { readonly kind: 'ready'; readonly residentBytes: number }
  /** All of its gateways have applied one change: when each of them had. */
  | { readonly kind: 'applied'; readonly atNs: readonly string[] };
