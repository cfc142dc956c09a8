import { randomBytes } from 'node:crypto';
import { createPasswordVerifier, verifyPassword, type CredentialRecord } from '#libs/policy-contracts';

export const PASSWORD_CHECK_DEFAULTS = {
  /** Checks running side by side; each takes a thread of libuv's pool, which has four. */
  runningCount: 4,
  /** Checks that may wait for one of them; beyond, a login is told to come back. */
  waitingCount: 64,
} as const;

export type PasswordCheckLimits = { readonly [Name in keyof typeof PASSWORD_CHECK_DEFAULTS]: number };

/** Checks passwords off the event loop, a bounded number at a time, so that a flood of logins cannot stop the gateway. */
export class PasswordChecks {
  private running = 0;
  private readonly waiting: (() => void)[] = [];
  /** Checked in place of a user that does not exist, so that time does not tell. */
  private readonly nobodysVerifier = createPasswordVerifier(randomBytes(32).toString('base64url'));

  constructor(private readonly limits: PasswordCheckLimits = PASSWORD_CHECK_DEFAULTS) {}

  async check(credential: CredentialRecord | undefined, password: string): Promise<'right' | 'wrong' | 'busy'> {
    if (this.running >= this.limits.runningCount) {
      if (this.waiting.length >= this.limits.waitingCount) return 'busy';
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    } else {
      this.running += 1;
    }
    try {
      const verifier = credential?.passwordVerifier ?? (await this.nobodysVerifier);
      const isRight = await verifyPassword(verifier, password);
      return isRight && credential !== undefined ? 'right' : 'wrong';
    } finally {
      this.leave();
    }
  }

  /** Hands the place to the next in line, so that nobody can slip in between. */
  private leave(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.running -= 1;
    else next();
  }
}
