import type { ChannelUnavailable } from '#libs/config-distribution';

/** So long the answer of one job counts for the others of its environment. */
const COUNTS_FOR_MS = 1_000;

/**
 * Environments whose Redis has just not answered. What waits for one of them, be it thousands of deployments, compiles
 * nothing in vain and does not queue for a Redis that hangs: one finds out for all, again and again.
 */
export class LostEnvironments {
  private readonly failures = new Map<string, { readonly failure: ChannelUnavailable; readonly untilMs: number }>();

  note(environmentId: string, failure: ChannelUnavailable): void {
    this.failures.set(environmentId, { failure, untilMs: performance.now() + COUNTS_FOR_MS });
  }

  /** @throws ChannelUnavailable the failure of a moment ago */
  requireHope(environmentId: string): void {
    const found = this.failures.get(environmentId);
    if (found === undefined) return;
    if (performance.now() < found.untilMs) throw found.failure;
    this.failures.delete(environmentId);
  }
}
