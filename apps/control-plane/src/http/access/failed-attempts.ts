import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { Turnstile } from '../../turns/turnstile.ts';
import { addressGroup } from './address-group.ts';

/** Enough for a person or a pipeline that was set up wrongly to notice; nothing to search 256 random bits with. */
export const FAILURES_PER_WINDOW = 20;
const WINDOW_SECONDS = 60;

/** A pipeline that worked within the last hour goes on, whatever its neighbours behind the same address do. */
const TRUSTED_FOR_MS = 60 * 60 * 1000;

/** Of addresses with failures and of tokens that were good; beyond it the oldest are forgotten. A few MB at most. */
const LARGEST_MEMORY = 10_000;

/** At once, of all tokens from addresses that wait: enough that a good one is found, too few to keep the database busy. */
const SUSPECTS_AT_ONCE = 2;
const MOST_SUSPECTS_WAITING = 200;

/** Who presents a token, and where; an address is undefined once the client has gone. */
export interface Presented {
  readonly address: string | undefined;
  readonly token: string;
}

/** What a token was found to be, or how long its address waits. */
export type Looked<Found> = { readonly found: Found } | { readonly retryAfterSeconds: number };

/** Limits of one process; another one counts for itself. */
export interface FailureLimits {
  readonly largestMemory: number;
  readonly nowMs: () => number;
}

/** Has the form of those that the control plane makes, 256 random bits; one that somebody chose for himself may be guessed. */
const isBeyondGuessing = (token: string): boolean => /^gw[ts]_[\w-]{43}$/.test(token);

const digest = (text: string): string => createHash('sha256').update(text, 'utf8').digest('base64url');

/**
 * Counts failed authentications per client address, so that nobody can make the control plane look tokens up all day.
 * Only failures count, and only after they happened: many good requests at once never wait for each other.
 */
export class FailureCounter {
  private readonly limiter = new RateLimiterMemory({ points: FAILURES_PER_WINDOW, duration: WINDOW_SECONDS });
  /** Addresses that the limiter has heard of, the longest quiet one first: it keeps no order and no bound itself. */
  private readonly addresses = new Set<string>();
  private readonly suspects = new Turnstile(SUSPECTS_AT_ONCE, MOST_SUSPECTS_WAITING);
  /** Address and digest of tokens that were good, and until when that counts; the oldest first. */
  private readonly trusted = new Map<string, number>();

  constructor(private readonly limits: FailureLimits) {}

  /**
   * Looks at a token and counts what is found. From an address that waits only tokens that were good there before are
   * looked at, and those that nobody can guess, a few at a time: the failures of a neighbour keep out no good one.
   *
   * @throws what `look` throws, and counts nothing then
   */
  async lookAt<Found>(
    { address, token }: Presented,
    look: () => Promise<Found>,
    isGood: (found: Found) => boolean,
  ): Promise<Looked<Found>> {
    const retryAfterSeconds = await this.waitOf(address, token);
    if (retryAfterSeconds !== undefined && !(isBeyondGuessing(token) && this.suspects.hasRoom())) {
      return { retryAfterSeconds };
    }
    const found = await (retryAfterSeconds === undefined ? look() : this.suspects.pass(look));
    if (isGood(found)) {
      this.succeeded(address, token);
      return { found };
    }
    await this.failed(address, token);
    return retryAfterSeconds === undefined ? { found } : { retryAfterSeconds };
  }

  /** Seconds that this address waits for; undefined: it does not, or not with this token. */
  private async waitOf(address: string | undefined, token: string): Promise<number | undefined> {
    const group = addressGroup(address);
    const failures = await this.limiter.get(group);
    if (failures === null || failures.consumedPoints < FAILURES_PER_WINDOW || failures.msBeforeNext <= 0) {
      return undefined;
    }
    const trustedUntilMs = this.trusted.get(trustKey(group, token));
    if (trustedUntilMs !== undefined && trustedUntilMs > this.limits.nowMs()) return undefined;
    return Math.ceil(failures.msBeforeNext / 1000);
  }

  succeeded(address: string | undefined, token: string): void {
    const key = trustKey(addressGroup(address), token);
    this.trusted.delete(key);
    this.trusted.set(key, this.limits.nowMs() + TRUSTED_FOR_MS);
    const [oldest] = this.trusted.keys();
    if (this.trusted.size > this.limits.largestMemory && oldest !== undefined) this.trusted.delete(oldest);
  }

  private async failed(address: string | undefined, token: string): Promise<void> {
    const group = addressGroup(address);
    this.trusted.delete(trustKey(group, token));
    this.addresses.delete(group);
    this.addresses.add(group);
    const [oldest] = this.addresses;
    if (this.addresses.size > this.limits.largestMemory && oldest !== undefined) {
      this.addresses.delete(oldest);
      await this.limiter.delete(oldest);
    }
    await this.limiter.penalty(group);
  }
}

/** A digest, so that no token lies about in memory. */
const trustKey = (group: string, token: string): string => `${group} ${digest(token)}`;

/** The one counter of this process. */
@Injectable()
export class FailedAttempts extends FailureCounter {
  constructor() {
    super({ largestMemory: LARGEST_MEMORY, nowMs: () => performance.now() });
  }
}
