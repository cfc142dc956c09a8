import type { Logger } from '#libs/program-shell';
import type { KeySetMetrics } from '../metrics/key-set-metrics.ts';
import type { FailedFetch } from './fetched-document.ts';
import { isWithin } from './time-span.ts';

/** Addresses that a variable named are told about only this often, all of them together. */
export const VARIABLE_COMPLAINT_EVERY_MS = 60_000;

/** Host and port. The rest of an address may hold a secret. */
const hostOf = (address: string): string => (URL.canParse(address) ? new URL(address).host : '');

/** What one key set has to tell. */
export interface KeySetVoice {
  fetched(outcome: 'ok' | FailedFetch['failure']): void;
  refetched(): void;
  /** A request was answered with a set that is no longer fresh. */
  servedStale(): void;
  /** An outage begins. */
  failing(failure: FailedFetch): void;
  /** During an outage the set is no longer fresh. */
  stale(): void;
  /** During an outage the set became too old to be used. */
  tooOld(): void;
  /** The outage is over. */
  recovered(): void;
}

/** Says how fetching goes: counts each time, writes a line once for each outage of an address. */
export class KeySetJournal {
  #variableComplaintAtMs: number | undefined;

  constructor(
    private readonly logger: Logger,
    private readonly metrics: KeySetMetrics,
    private readonly nowMs: () => number,
  ) {}

  /** @param isNamed whether a policy itself names the address; a variable may hold as many as its sender likes */
  voiceOf(address: string, isNamed: () => boolean): KeySetVoice {
    const { logger, metrics } = this;
    const host = hostOf(address);
    let isTold = false;
    return {
      fetched: (outcome) => metrics.countFetch(outcome),
      refetched: () => metrics.countRefetch(),
      servedStale: () => metrics.countStaleServing(),
      failing: ({ failure, detail }) => {
        isTold = isNamed() || this.#mayComplainOfVariable();
        if (isTold) logger.warn({ host, reason: failure, detail }, 'a key set cannot be fetched');
      },
      stale: () => {
        if (isTold) logger.warn({ host }, 'a key set is no longer fresh: serving on with the last good one');
      },
      tooOld: () => {
        if (isTold) logger.error({ host }, 'the last good key set is too old: its tokens are refused');
      },
      recovered: () => {
        if (isTold) logger.info({ host }, 'a key set can be fetched again');
        isTold = false;
      },
    };
  }

  #mayComplainOfVariable(): boolean {
    const now = this.nowMs();
    if (isWithin(this.#variableComplaintAtMs, VARIABLE_COMPLAINT_EVERY_MS, now)) return false;
    this.#variableComplaintAtMs = now;
    return true;
  }
}
