import { Inject, Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { canonicalJson } from '#libs/canonical-json';
import { errorFacts, type Logger } from '#libs/program-shell';
import { invalidField } from '../../decider/domain-error.ts';
import { LOGGER, VAULT } from '../../injection-tokens.ts';
import {
  AlreadyClaimed,
  IdempotencyClaims,
  type Claimant,
  type EarlierClaim,
} from '../../persistence/idempotency-claims.ts';
import type { SecretVault } from '../../persistence/secret-vault.ts';
import { TextBody } from '../bodies/body-parsers.ts';
import { IdempotencyReplays } from './idempotency-replays.ts';
import { contextOf, rememberClaim } from '../request-context.ts';
import { withoutShownSecrets } from './secret-members.ts';

const WRITES = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);
/** Visible ASCII. */
const KEY = /^[\x21-\x7e]{1,255}$/;
/** A sign-in changes nothing that could be done twice. */
const SIGN_IN = /^\/apiops\/auth\/token\/?$/;

/** @throws DomainError VALIDATION_FAILED */
function keyOf(request: FastifyRequest): string | undefined {
  const key = request.headers['idempotency-key'];
  if (key === undefined || !WRITES.has(request.method) || SIGN_IN.test(request.routeOptions.url ?? ''))
    return undefined;
  if (typeof key === 'string' && KEY.test(key)) return key;
  throw invalidField(
    'Idempotency-Key',
    'invalid',
    'Idempotency-Key must be given once, with 1 to 255 visible ASCII characters',
  );
}

/** Path and query as they came, without a slash at the end of the path. */
function pathOf(url: string): string {
  const [, path = '', query = ''] = /^([^?]*)(.*)$/s.exec(url) ?? [];
  return `${path.replace(/(?<=.)\/$/, '')}${query}`;
}

/** One text per body, whatever the order of its members. */
function bodyText(body: unknown): string {
  if (body === undefined || body === null) return '';
  return body instanceof TextBody ? `${body.mediaType}\n${body.text}` : `json\n${canonicalJson(body)}`;
}

/**
 * A write with an `Idempotency-Key` is done once within 24 hours for its actor, method and path: whoever repeats it gets
 * the answer of the first time. Failures are not kept, since nothing was recorded: they may be tried again.
 */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  constructor(
    private readonly claims: IdempotencyClaims,
    private readonly replays: IdempotencyReplays,
    @Inject(VAULT) private readonly vault: SecretVault,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = execution.switchToHttp().getRequest<FastifyRequest>();
    const context = contextOf(request);
    const key = keyOf(request);
    if (key === undefined || context === undefined) return next.handle();
    const idempotency = {
      ...{ key, method: request.method, path: pathOf(request.url) },
      ...{ bodyDigest: this.vault.digest(bodyText(request.body)), attemptId: randomUUID() },
    };
    rememberClaim(request, idempotency);
    const { actor, requestId } = context;
    const reply = execution.switchToHttp().getResponse<FastifyReply>();
    return from(this.once({ actor, requestId, idempotency }, next, reply));
  }

  private async once(claimant: Claimant, next: CallHandler, reply: FastifyReply): Promise<unknown> {
    const earlier = await this.claims.find(claimant);
    if (earlier !== undefined) return this.replay(claimant, earlier, reply);
    let answer: unknown;
    try {
      answer = await lastValueFrom(next.handle(), { defaultValue: undefined });
    } catch (error) {
      // A twin may have won since: then the state it left is what this one stumbled over.
      const twin = await this.twinAfter(error, claimant);
      if (twin === undefined) throw error;
      return this.replay(claimant, twin, reply);
    }
    await this.keep(claimant, answer, reply);
    return answer;
  }

  private async twinAfter(error: unknown, claimant: Claimant): Promise<EarlierClaim | undefined> {
    try {
      const claim = await this.claims.find(claimant);
      return claim?.attemptId === claimant.idempotency.attemptId ? undefined : claim;
    } catch (failure) {
      // The database went away: the first error says more, unless it only says that there is a twin.
      throw error instanceof AlreadyClaimed ? failure : error;
    }
  }

  private async replay(claimant: Claimant, earlier: EarlierClaim, reply: FastifyReply): Promise<unknown> {
    const { body, etag } = await this.replays.answer(claimant, earlier);
    void reply.header('idempotency-replayed', 'true');
    if (etag !== undefined) void reply.header('etag', etag);
    return body;
  }

  /** The change is recorded: whatever becomes of the record of its answer, the client gets it. */
  private async keep(claimant: Claimant, answer: unknown, reply: FastifyReply): Promise<void> {
    if (typeof answer !== 'object' || answer === null || reply.statusCode >= 400) return;
    const etag = reply.getHeader('etag');
    try {
      const body = withoutShownSecrets(answer);
      await this.claims.answered(claimant, typeof etag === 'string' ? { body, etag } : { body });
    } catch (error) {
      const { requestId } = claimant;
      this.logger.warn({ requestId, ...errorFacts(error) }, 'an answer could not be kept for its Idempotency-Key');
    }
  }
}
