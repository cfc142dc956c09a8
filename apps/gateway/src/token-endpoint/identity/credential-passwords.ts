import { randomBytes } from 'node:crypto';
import { createPasswordVerifier, verifyPassword, type CredentialRecord } from '#libs/policy-contracts';
import { CheckPlaces, type PasswordCheckLimits } from './check-places.ts';
import { ChecksUnderWay } from './checks-under-way.ts';
import type { LoginBlocked, LoginThrottle } from './login-throttle/login-throttle.port.ts';
import { networkOf } from './login-throttle/network-of.ts';
import { ProvenPasswords } from './proven-passwords.ts';
import { SlowedAnswers } from './slowed-answers.ts';

/** Somebody says that this is their password. */
export interface PasswordClaim {
  readonly username: string;
  /** Of this name; undefined: there is none. It takes as long, and counts alike. */
  readonly credential: CredentialRecord | undefined;
  /** Readings of one text, of which any may be right; the likelier first. */
  readonly passwords: readonly string[];
  /** False: whoever it is may not have tokens, so the right password counts as a failure too and cannot be told. */
  readonly isWelcome: boolean;
  readonly clientAddress: string;
  /** Epoch milliseconds. */
  readonly nowMs: number;
}

/** `busy`: too many wait for a check already. */
export type PasswordVerdict = { readonly kind: 'right' | 'wrong' | 'busy' } | LoginBlocked;

/** `remembered`: known to be right without a check. */
export type PasswordCheckEnd = 'right' | 'wrong' | 'remembered' | 'busy' | 'blocked';

/** @property failures by which the answer is slowed */
interface Checked {
  readonly verdict: PasswordVerdict;
  readonly failures: number;
}

export interface CredentialPasswordsParts {
  readonly throttle: LoginThrottle;
  readonly limits?: PasswordCheckLimits;
  /** Fulfils after so many milliseconds. */
  readonly pause: (ms: number) => Promise<void>;
  readonly onChecked?: (end: PasswordCheckEnd) => void;
}

/**
 * Checks passwords of users and of clients under `/credential`: off the event loop, a bounded number at a time, failures
 * slowed and then refused for a time (ADR 24). Whoever is blocked costs no check. The limit is looked at again when a
 * check has waited, so that guesses in parallel get past it by no more than the checks that run side by side.
 */
export class CredentialPasswords {
  private readonly places: CheckPlaces;
  private readonly slowed: SlowedAnswers;
  private readonly proven = new ProvenPasswords();
  private readonly underWay = new ChecksUnderWay();
  /** Checked in place of a user that does not exist, so that time does not tell. */
  private readonly nobodysVerifier = createPasswordVerifier(randomBytes(32).toString('base64url'));

  constructor(private readonly parts: CredentialPasswordsParts) {
    this.places = new CheckPlaces(parts.limits);
    this.slowed = new SlowedAnswers(parts.pause);
  }

  /** How many checks run and wait now; for metrics. */
  get load(): { readonly running: number; readonly waiting: number } {
    return { running: this.places.runningCount, waiting: this.places.waitingCount };
  }

  /** @throws LoginThrottleUnavailable */
  async check(claim: PasswordClaim): Promise<PasswordVerdict> {
    const { throttle } = this.parts;
    let before = await throttle.standing(attemptOf(claim));
    const same = before.kind === 'open' && !this.isProven(claim) ? this.underWay.same(claim) : undefined;
    if (same !== undefined) {
      await same;
      before = await throttle.standing(attemptOf(claim));
    }
    if (before.kind === 'blocked') return this.ended('blocked', before);
    if (this.isProven(claim)) {
      if (before.failures > 0) await throttle.succeeded(attemptOf(claim));
      return this.ended('remembered', { kind: 'right' });
    }
    const { verdict, failures } = await this.underWay.during(claim, () => this.checkInPlace(claim));
    await this.slowed.slow(failures);
    return verdict;
  }

  private async checkInPlace(claim: PasswordClaim): Promise<Checked> {
    const place = await this.places.take(networkOf(claim.clientAddress));
    if (place === 'full') return { verdict: this.ended('busy', { kind: 'busy' }), failures: 0 };
    try {
      return await this.settle(claim, place === 'after-waiting');
    } finally {
      this.places.leave();
    }
  }

  /** In a place. A failure is counted before the place is left, so whoever comes next knows of it. */
  private async settle(claim: PasswordClaim, hasWaited: boolean): Promise<Checked> {
    const { throttle } = this.parts;
    const standing = hasWaited ? await throttle.standing(attemptOf(claim)) : undefined;
    if (standing?.kind === 'blocked') return { verdict: this.ended('blocked', standing), failures: 0 };
    const isRight = this.isProven(claim) || (await this.isRight(claim));
    if (isRight && claim.isWelcome) {
      await throttle.succeeded(attemptOf(claim));
      return { verdict: this.ended('right', { kind: 'right' }), failures: 0 };
    }
    const failed = await throttle.failed(attemptOf(claim));
    if (failed.kind === 'blocked') return { verdict: this.ended('blocked', failed), failures: 0 };
    const kind = isRight ? 'right' : 'wrong';
    return { verdict: this.ended(kind, { kind }), failures: failed.failures };
  }

  private isProven({ credential, passwords, isWelcome, nowMs }: PasswordClaim): boolean {
    if (credential === undefined || !isWelcome) return false;
    return passwords.some((password) => this.proven.has(credential, password, nowMs));
  }

  private async isRight({ credential, passwords, nowMs }: PasswordClaim): Promise<boolean> {
    const verifier = credential?.passwordVerifier ?? (await this.nobodysVerifier);
    for (const password of passwords) {
      const isRight = await verifyPassword(verifier, password);
      if (!isRight || credential === undefined) continue;
      this.proven.remember(credential, password, nowMs);
      return true;
    }
    return false;
  }

  private ended(end: PasswordCheckEnd, verdict: PasswordVerdict): PasswordVerdict {
    this.parts.onChecked?.(end);
    return verdict;
  }
}

const attemptOf = ({ username, clientAddress }: PasswordClaim) => ({ name: username, clientAddress });
