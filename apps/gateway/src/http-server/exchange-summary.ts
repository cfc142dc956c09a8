/** One finished exchange, for metrics and the access log. Holds no header, query, token or body. */
export interface ExchangeSummary {
  readonly correlationId: string;
  readonly method: string;
  /** `project/proxy` when one was found. */
  readonly proxy: string | undefined;
  readonly endpoint: string | undefined;
  /** Status that was sent; `undefined` when the client left before. */
  readonly status: number | undefined;
  readonly durationMs: number;
  /** False when either side broke off before the answer was complete. */
  readonly isComplete: boolean;
  /** Why something else than the upstream's answer was sent. */
  readonly fault: { readonly name: string; readonly policy: string; readonly reason: string } | undefined;
}
