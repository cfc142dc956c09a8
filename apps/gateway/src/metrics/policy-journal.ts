import type { Logger } from '#libs/program-shell';
import type { GatewayMetrics } from './gateway-metrics.ts';

/** What happens to one policy with every request is written only this often. */
export const POLICY_COMPLAINT_EVERY_MS = 60_000;
/** Names come from configurations, so there are few; those of configurations long gone need no place. */
const REMEMBERED = 1_000;

/** Says what policies could not do as they were told: counts each time, writes a line for each thing once a minute. */
export class PolicyJournal {
  /** When each thing was last written, oldest first. */
  readonly #writtenAtMs = new Map<string, number>();

  constructor(
    private readonly logger: Logger,
    private readonly metrics: GatewayMetrics,
    /** Never set back. */
    private readonly nowMs: () => number,
  ) {}

  /** As {@link LinkOptions.onDropped}. */
  readonly dropped = (what: { readonly policy: string; readonly header: string }): void => {
    this.metrics.countDroppedHeader();
    this.#warn(what, 'a forwarded variable may not stand in a header: not sent');
  };

  /** As {@link LinkOptions.onIgnored}. */
  readonly ignored = (what: { readonly policy: string; readonly reference: string }): void => {
    this.metrics.countIgnoredReference();
    this.#warn(
      what,
      'a variable that a check needs is not set, and the policy ignores that: the check demands nothing',
    );
  };

  #warn(what: object, text: string): void {
    const key = JSON.stringify([text, what]);
    const now = this.nowMs();
    if (now - (this.#writtenAtMs.get(key) ?? -Infinity) < POLICY_COMPLAINT_EVERY_MS) return;
    this.#writtenAtMs.delete(key);
    this.#writtenAtMs.set(key, now);
    if (this.#writtenAtMs.size > REMEMBERED) this.#writtenAtMs.delete([...this.#writtenAtMs.keys()][0] ?? key);
    this.logger.warn(what, text);
  }
}
