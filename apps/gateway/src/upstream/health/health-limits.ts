/** When an address takes no part for a while, and how many requests may be sent again. */
export interface HealthLimits {
  /** Failures in a row after which an address takes no part; 0: never. */
  readonly ejectAfterFailures: number;
  /** For how long, the first time; up to eight times as long when it goes on failing. */
  readonly ejectMs: number;
  /** Answers 502, 503 and 504 of an upstream are failures too. */
  readonly countsErrorAnswers: boolean;
  /** Further attempts at an origin, of the requests that were sent to it within the last 10 s. */
  readonly retryBudgetPercent: number;
}

export const HEALTH_LIMITS: HealthLimits = {
  ejectAfterFailures: 5,
  ejectMs: 10_000,
  countsErrorAnswers: false,
  retryBudgetPercent: 20,
};
