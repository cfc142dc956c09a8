import type { ChannelKeys, ConfigChannel } from '#libs/config-distribution';
import type { Admitted, EnvironmentAdmission } from './environment-admission.ts';
import type { Journal } from './journal.ts';

export interface AdmittanceDeps {
  readonly environment: string;
  readonly channel: ConfigChannel;
  readonly admission: EnvironmentAdmission;
  readonly journal: Journal;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
}

/** How often the key ring is looked at again: a revoked key counts after this long at most. */
const ASK_EVERY_MS = 5_000;
/** After Redis lost its data the first change may come back before the key ring does. */
const RING_AWAITED_MS = 3_000;

/** Whether this gateway may follow its environment, asked again and again. */
export class Admittance {
  private entry: string | undefined;
  private askedAtMs = 0;
  private refused = false;
  /** Epoch of the log that was followed when the key ring admitted last. */
  private admittedIn: string | undefined;
  /** A log without our entry in the key ring that is not the one of the last admission. */
  private newLog: { readonly epoch: string; readonly sinceMs: number } | undefined;

  constructor(private readonly deps: AdmittanceDeps) {}

  /** The entry of the key ring in Redis that admitted this gateway; undefined before the first. */
  get wrapped(): string | undefined {
    return this.entry;
  }

  /** The key ring is there and does not admit this gateway (any more). */
  get isRefused(): boolean {
    return this.refused;
  }

  /**
   * Asks the key ring when it is time to.
   *
   * @param known keys that a snapshot or an earlier admission gave
   * @param followed epoch of the log that is followed
   * @returns undefined while there is nothing that this gateway may follow; what it has it serves on, revoked or not
   * @throws ChannelUnavailable
   */
  async check(
    known: ChannelKeys | undefined,
    followed: string | undefined,
  ): Promise<Admitted | 'as-before' | undefined> {
    const { admission, channel, journal, environment, nowMs } = this.deps;
    const sinceMs = nowMs() - this.askedAtMs;
    const isFresh = sinceMs >= 0 && sinceMs < ASK_EVERY_MS;
    if (this.isAdmitted && isFresh) return 'as-before';
    const outcome = await admission.ask(channel, known);
    switch (outcome.kind) {
      case 'refused':
        if (this.awaitsRing(outcome.log)) return 'as-before';
        this.refused = true;
        journal.complain('error', outcome.reason);
        return undefined;
      case 'nothing-there':
        // An emptied Redis revokes nothing, and brings nothing back that was revoked.
        if (this.isAdmitted) return 'as-before';
        journal.complain('warn', `environment ${environment} has nothing in its Redis: waiting for it`);
        return undefined;
      case 'admitted':
        if (this.refused) journal.admittedAgain();
        this.refused = false;
        this.askedAtMs = nowMs();
        this.entry = outcome.wrapped;
        this.admittedIn = followed;
        return outcome;
    }
  }

  private get isAdmitted(): boolean {
    return this.entry !== undefined && !this.refused;
  }

  /** Whether our entry may only not be back yet. */
  private awaitsRing(epoch: string | undefined): boolean {
    const isNew = this.admittedIn !== undefined && epoch !== this.admittedIn;
    if (!this.isAdmitted || epoch === undefined || !isNew) return false;
    const now = this.deps.nowMs();
    if (this.newLog?.epoch !== epoch) this.newLog = { epoch, sinceMs: now };
    return now - this.newLog.sinceMs < RING_AWAITED_MS;
  }
}
