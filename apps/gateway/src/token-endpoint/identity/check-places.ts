export const PASSWORD_CHECK_DEFAULTS = {
  /** Checks running side by side; each takes a thread of libuv's pool, which has four. */
  runningCount: 4,
  /** Checks that may wait for one of them; beyond, a login is told to come back. */
  waitingCount: 64,
} as const;

export type PasswordCheckLimits = { readonly [Name in keyof typeof PASSWORD_CHECK_DEFAULTS]: number };

/** One address may have this part of the places to wait in, so that it cannot keep all others out. */
const PART_OF_ONE_ADDRESS = 1 / 4;

interface Waiting {
  readonly network: string;
  readonly enter: () => void;
}

/** A bounded number of places to do something costly in, and a bounded line before them. */
export class CheckPlaces {
  private running = 0;
  private readonly line: Waiting[] = [];

  constructor(private readonly limits: PasswordCheckLimits = PASSWORD_CHECK_DEFAULTS) {}

  get runningCount(): number {
    return this.running;
  }

  get waitingCount(): number {
    return this.line.length;
  }

  /**
   * Fulfils with a place, which must be left again, or with `full`.
   *
   * @param network who may not fill the line alone
   */
  async take(network: string): Promise<'at-once' | 'after-waiting' | 'full'> {
    if (this.running < this.limits.runningCount) {
      this.running += 1;
      return 'at-once';
    }
    if (!this.hasRoomFor(network)) return 'full';
    await new Promise<void>((enter) => this.line.push({ network, enter }));
    return 'after-waiting';
  }

  /** Hands the place to the next in line, so that nobody can slip in between. */
  leave(): void {
    const next = this.line.shift();
    if (next === undefined) this.running -= 1;
    else next.enter();
  }

  private hasRoomFor(network: string): boolean {
    const { waitingCount } = this.limits;
    if (this.line.length >= waitingCount) return false;
    const ownCount = this.line.filter((waiting) => waiting.network === network).length;
    return ownCount < Math.max(1, Math.floor(waitingCount * PART_OF_ONE_ADDRESS));
  }
}
