import type { Logger } from '#libs/program-shell';
import type { KeySetMetrics } from '../metrics/key-set-metrics.ts';
import type { FailedFetch, FetchWish } from './fetched-document.ts';
import type { DeniedKey } from './obeyed-orders.ts';
import { isWithin } from './time-span.ts';

/** Addresses that a variable named are told about only this often, all of them together. */
export const VARIABLE_COMPLAINT_EVERY_MS = 60_000;
/** Of the sets that one order emptied, at most. */
const HOSTS_NAMED = 5;

/** Host and port. The rest of an address may hold a secret. */
const hostOf = (address: string): string => (URL.canParse(address) ? new URL(address).host : '');

/** What one key set has to tell. */
export interface KeySetVoice {
  /** This gateway asked; not said of what another one has. */
  fetched(outcome: 'ok' | FailedFetch['failure'], reason: FetchWish['reason']): void;
  /** A token was refused because its key is denied. */
  denied(): void;
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

/** Says how fetching goes: counts each time, writes a line once for each outage of an address and for each order. */
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
      fetched: (outcome, reason) => {
        metrics.countFetch(outcome);
        if (reason === 'unknown-key') metrics.countRefetch();
      },
      denied: () => metrics.countDenied(),
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

  /** By order, all at once. */
  flushed(addresses: readonly string[]): void {
    this.metrics.countFlushes(addresses.length);
    const hosts = [...new Set(addresses.map(hostOf))].slice(0, HOSTS_NAMED);
    this.logger.info({ sets: addresses.length, hosts }, 'key sets were emptied by order');
  }

  keyDenied({ uri, kid }: DeniedKey): void {
    this.logger.info({ host: hostOf(uri), kid }, 'a key is denied by order: its tokens are refused');
  }

  keyAllowed({ uri, kid }: DeniedKey): void {
    this.logger.info({ host: hostOf(uri), kid }, 'a key is no longer denied');
  }

  #mayComplainOfVariable(): boolean {
    const now = this.nowMs();
    if (isWithin(this.#variableComplaintAtMs, VARIABLE_COMPLAINT_EVERY_MS, now)) return false;
    this.#variableComplaintAtMs = now;
    return true;
  }
}
