import { createHmac, randomBytes } from 'node:crypto';

/** What is checked: the same name and passwords make the same check, whether anybody has the name or not. */
export interface CheckedClaim {
  readonly username: string;
  readonly passwords: readonly string[];
}

interface Check {
  readonly over: Promise<unknown>;
  waiting: number;
}

/** Each who waits is a connection; beyond, a check is one of its own. */
const MOST_WAITING = 1_000;

/**
 * Who says the same while it is being checked waits for that check: a service that asks for tokens hundreds of times a
 * second would otherwise fill the line before the checks whenever its password is not known to be right any more.
 */
export class ChecksUnderWay {
  private readonly key = randomBytes(32);
  private readonly checks = new Map<string, Check>();

  /** Fulfils when the same check is over, however it ended; undefined: there is none to wait for. */
  same(claim: CheckedClaim): Promise<unknown> | undefined {
    const same = this.checks.get(this.nameOf(claim));
    if (same === undefined || same.waiting >= MOST_WAITING) return undefined;
    same.waiting += 1;
    return same.over.catch(() => undefined);
  }

  /** Does a check that others may wait for from this moment on. */
  async during<Result>(claim: CheckedClaim, check: () => Promise<Result>): Promise<Result> {
    const name = this.nameOf(claim);
    if (this.checks.has(name)) return check();
    const over = check();
    this.checks.set(name, { over, waiting: 0 });
    try {
      return await over;
    } finally {
      this.checks.delete(name);
    }
  }

  private nameOf({ username, passwords }: CheckedClaim): string {
    return createHmac('sha256', this.key)
      .update(JSON.stringify([username, ...passwords]), 'utf8')
      .digest('base64url');
  }
}
