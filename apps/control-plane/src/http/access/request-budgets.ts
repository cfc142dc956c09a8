import { Inject, Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { ControlPlaneConfig } from '../../config/control-plane.config.ts';
import { CONTROL_PLANE_CONFIG } from '../../injection-tokens.ts';
import { failure, type FailureEnvelope } from '../envelope.ts';

const WINDOW_SECONDS = 60;

/** What is left of a token's minute after a request. */
export interface Budget {
  readonly isAdmitted: boolean;
  readonly limit: number;
  readonly remaining: number;
  /** Until the whole limit is there again. */
  readonly resetSeconds: number;
}

/**
 * Counts the requests of each token, by its name: the sessions that were got with a token share its budget. Each process
 * counts for itself. Only who has authenticated is counted, so there are never more counters than tokens.
 */
@Injectable()
export class RequestBudgets {
  private readonly limit: number;
  private readonly limiter: RateLimiterMemory | undefined;

  constructor(
    @Inject(CONTROL_PLANE_CONFIG) { apiRequestsPerMinute }: Pick<ControlPlaneConfig, 'apiRequestsPerMinute'>,
  ) {
    this.limit = apiRequestsPerMinute;
    const limits = { points: apiRequestsPerMinute, duration: WINDOW_SECONDS };
    this.limiter = apiRequestsPerMinute === 0 ? undefined : new RateLimiterMemory(limits);
  }

  /** Takes one request from what the token has left; undefined: nothing is counted. */
  async take(tokenName: string): Promise<Budget | undefined> {
    if (this.limiter === undefined) return undefined;
    try {
      return this.budget(true, await this.limiter.consume(tokenName));
    } catch (refused) {
      if (refused instanceof RateLimiterRes) return this.budget(false, refused);
      throw refused;
    }
  }

  private budget(isAdmitted: boolean, { remainingPoints, msBeforeNext }: RateLimiterRes): Budget {
    const resetSeconds = Math.max(1, Math.ceil(msBeforeNext / 1000));
    return { isAdmitted, limit: this.limit, remaining: remainingPoints, resetSeconds };
  }
}

/** Says in headers what is left; gives the body of the 429 when nothing is. */
export function spend(reply: FastifyReply, budget: Budget | undefined): FailureEnvelope | undefined {
  if (budget === undefined) return undefined;
  const { limit, remaining, resetSeconds } = budget;
  void reply
    .header('ratelimit-limit', String(limit))
    .header('ratelimit-remaining', String(remaining))
    .header('ratelimit-reset', String(resetSeconds));
  if (budget.isAdmitted) return undefined;
  void reply.code(429).header('retry-after', String(resetSeconds));
  return failure(
    'too_many_requests',
    `the token has made ${limit} requests within a minute (API_REQUESTS_PER_MINUTE); try again in ${resetSeconds} s`,
  );
}
