import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { addressGroup } from './address-group.ts';

/** Enough for a person or a pipeline that was set up wrongly to notice; nothing to search 256 random bits with. */
export const FAILURES_PER_WINDOW = 20;
const WINDOW_SECONDS = 60;

/** A pipeline that worked within the last hour goes on, whatever its neighbours behind the same address do. */
const TRUSTED_FOR_MS = 60 * 60 * 1000;

/** Of addresses with failures and of tokens that were good; beyond it the oldest are forgotten. A few MB at most. */
const LARGEST_MEMORY = 10_000;

export type Admission =
  { readonly isAdmitted: true } | { readonly isAdmitted: false; readonly retryAfterSeconds: number };

/** Limits of one process; another one counts for itself. */
export interface FailureLimits {
  readonly largestMemory: number;
  readonly nowMs: () => number;
}

const digest = (text: string): string => createHash('sha256').update(text, 'utf8').digest('base64url');

/**
 * Counts failed authentications per client address, so that nobody can make the control plane look tokens up all day.
 * Only failures count, and only after they happened: many good requests at once never wait for each other.
 */
export class FailureCounter {
  private readonly limiter = new RateLimiterMemory({ points: FAILURES_PER_WINDOW, duration: WINDOW_SECONDS });
  /** Addresses that the limiter has heard of, the longest quiet one first: it keeps no order and no bound itself. */
  private readonly addresses = new Set<string>();
  /** Address and digest of tokens that were good, and until when that counts; the oldest first. */
  private readonly trusted = new Map<string, number>();

  constructor(private readonly limits: FailureLimits) {}

  /** Whether a token from this address is looked at. */
  async admit(address: string | undefined, token: string): Promise<Admission> {
    const group = addressGroup(address);
    const failures = await this.limiter.get(group);
    if (failures === null || failures.consumedPoints < FAILURES_PER_WINDOW || failures.msBeforeNext <= 0) {
      return { isAdmitted: true };
    }
    const trustedUntilMs = this.trusted.get(trustKey(group, token));
    if (trustedUntilMs !== undefined && trustedUntilMs > this.limits.nowMs()) return { isAdmitted: true };
    return { isAdmitted: false, retryAfterSeconds: Math.ceil(failures.msBeforeNext / 1000) };
  }

  succeeded(address: string | undefined, token: string): void {
    const key = trustKey(addressGroup(address), token);
    this.trusted.delete(key);
    this.trusted.set(key, this.limits.nowMs() + TRUSTED_FOR_MS);
    const [oldest] = this.trusted.keys();
    if (this.trusted.size > this.limits.largestMemory && oldest !== undefined) this.trusted.delete(oldest);
  }

  async failed(address: string | undefined, token: string): Promise<void> {
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
