import type { TokenRevocation } from './token-revocation.ts';

/**
 * How far somebody has read. An epoch begins whenever the ledger had to be begun: Redis was new, or lost its data; '' and 0:
 * nothing was recorded yet. A sequence is the time it is given, in epoch milliseconds, or the one after the last: so they
 * rise from one epoch to the next, and a Redis that lost its last writes gives none of theirs again.
 */
export interface LedgerPosition {
  readonly epoch: string;
  readonly sequence: number;
}

export const NOWHERE: LedgerPosition = { epoch: '', sequence: 0 };

export const REVOCATION_LEDGER_LIMITS = {
  /** Entries that there may be. */
  entries: 200_000,
  /** This part of them is kept for what must not wait: see `RevocationUrgency`. */
  reservedShare: 0.1,
  /** While fewer are known, logins that were ended are remembered for as long as their refresh tokens could live. */
  remembered: 50_000,
  /** Entries that are read at once. */
  page: 1_000,
  /** Entries that have ended are forgotten this long after, in milliseconds: clocks differ. */
  forgottenAfterMs: 60_000,
  /** Characters of a revocation's value. */
  valueLength: 2_048,
} as const;

/** `urgent` may use the room that is kept back: what administrators order, and alarms. */
export type RevocationUrgency = 'usual' | 'urgent';

/** How many entries there may be for what is recorded. */
export const roomFor = (urgency: RevocationUrgency, entries: number): number =>
  urgency === 'urgent' ? entries : entries - Math.floor(entries * REVOCATION_LEDGER_LIMITS.reservedShare);

/** What was recorded since. */
export interface LedgerNews {
  /** Read up to here. */
  readonly position: LedgerPosition;
  /** True: it is another epoch than asked for, or the ledger is behind the position: it was read from its beginning. */
  readonly isFromStart: boolean;
  readonly revocations: readonly TokenRevocation[];
  /** Entries that nobody with the environment's key wrote. */
  readonly refusedCount: number;
  /** There is more behind `position`. */
  readonly isMore: boolean;
  /** How many entries the ledger holds. */
  readonly heldCount: number;
}

/**
 * Revoked access tokens of one environment, for control planes and any number of gateways at once. Every call throws
 * `RevocationLedgerUnavailable` when it cannot tell whether it was done; all of them can be repeated.
 */
export interface RevocationLedger {
  /**
   * Records, joined with what is held of the same; what has ended by `nowMs` (epoch milliseconds) is forgotten.
   *
   * @param urgency left out: usual
   * @returns who has read up to here knows of it
   * @throws RangeError for a value that is too long
   */
  record(revocations: readonly TokenRevocation[], nowMs: number, urgency?: RevocationUrgency): Promise<LedgerPosition>;
  /** @param position undefined: from the beginning */
  since(position: LedgerPosition | undefined): Promise<LedgerNews>;
}

/** The ledger's server is away, did not answer in time, or has no room. */
export class RevocationLedgerUnavailable extends Error {
  readonly code = 'REVOCATION_LEDGER_UNAVAILABLE';
  constructor(step: string, options?: ErrorOptions, problem = 'was not answered') {
    super(`revocation ledger: ${step} ${problem}`, options);
    this.name = 'RevocationLedgerUnavailable';
  }
}

/** It holds as many entries as it may; some of what was to be recorded may be recorded. */
export class RevocationLedgerFull extends RevocationLedgerUnavailable {
  constructor() {
    super('record', undefined, 'would go over the number of entries that there may be');
    this.name = 'RevocationLedgerFull';
  }
}
