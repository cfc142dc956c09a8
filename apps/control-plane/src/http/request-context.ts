import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { invalidField } from '../decider/domain-error.ts';
import type { IdempotencyClaim } from '../persistence/idempotency-claims.ts';
import type { RequestContext } from '../persistence/unit-of-work.ts';
import type { Access } from './access/access.ts';

const contexts = new WeakMap<object, RequestContext>();
const accesses = new WeakMap<object, Access>();

const headerText = (request: FastifyRequest, name: string): string | undefined => {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
};

/** Request ids from outside are kept when they are harmless in a log. */
const SAFE_ID = /^[A-Za-z0-9._:-]{1,128}$/;

const requestIds = new WeakMap<object, string>();

/** The same each time it is asked for, from the first hook to the line in the log. */
export function requestIdOf(request: FastifyRequest): string {
  const known = requestIds.get(request.raw);
  if (known !== undefined) return known;
  const given = headerText(request, 'x-request-id');
  const requestId = given !== undefined && SAFE_ID.test(given) ? given : randomUUID();
  requestIds.set(request.raw, requestId);
  return requestId;
}

/** `If-Match: "<revision>"`, quotes or not. @throws DomainError VALIDATION_FAILED when it is anything else. */
function expectedRevisionOf(request: FastifyRequest): number | undefined {
  const text = headerText(request, 'if-match');
  if (text === undefined || text === '*') return undefined;
  const revision = /^(?:(\d{1,9})|"(\d{1,9})")$/.exec(text)?.slice(1).find(Boolean);
  if (revision === undefined) throw invalidField('If-Match', 'invalid', 'If-Match must be one revision: "3"');
  return Number(revision);
}

const LONGEST_REASON = 1_000;
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** `X-Change-Reason`, as it goes into events. Node reads headers as Latin-1; people's tools mostly send UTF-8. */
function reasonOf(request: FastifyRequest): string | undefined {
  const latin = headerText(request, 'x-change-reason');
  if (latin === undefined || latin === '') return undefined;
  let reason = latin;
  try {
    reason = UTF8.decode(Buffer.from(latin, 'latin1'));
  } catch {
    // It is Latin-1 then.
  }
  if (reason.length <= LONGEST_REASON) return reason;
  const message = `X-Change-Reason must have at most ${LONGEST_REASON} characters`;
  throw invalidField('X-Change-Reason', 'out_of_range', message);
}

/** Remembers who asks; from here on every event of this request carries it. What may be deployed, the guard decides. */
export function rememberAsker(request: FastifyRequest, access: Access, requestId: string): void {
  const { actor } = access;
  contexts.set(request, { actor, requestId, mayDeploy: false, progress: { isRecorded: false } });
  accesses.set(request, access);
}

/** Undefined for public calls, and before somebody was let in. */
export const contextOf = (request: FastifyRequest): RequestContext | undefined => contexts.get(request);

/** From here on whatever this request changes is done once for its `Idempotency-Key`. */
export function rememberClaim(request: FastifyRequest, idempotency: IdempotencyClaim): void {
  const context = contexts.get(request);
  if (context !== undefined) contexts.set(request, { ...context, idempotency });
}

/** Undefined for public calls. */
export const accessOf = (request: FastifyRequest): Access | undefined => accesses.get(request);

/** From here on this request may deploy. */
export function allowDeployments(request: FastifyRequest): void {
  const context = contexts.get(request);
  if (context !== undefined) contexts.set(request, { ...context, mayDeploy: true });
}

/** What the asker may see, in a controller's parameters. */
export const AskerAccess = createParamDecorator((_data: unknown, execution: ExecutionContext): Access => {
  const access = accessOf(execution.switchToHttp().getRequest<FastifyRequest>());
  if (access === undefined) throw new Error('a route under /apiops was reached without authentication');
  return access;
});

/** Who asks, why, and what he believes to change, in a controller's parameters. */
export const Asker = createParamDecorator((_data: unknown, execution: ExecutionContext): RequestContext => {
  const request = execution.switchToHttp().getRequest<FastifyRequest>();
  const context = contexts.get(request);
  if (context === undefined) throw new Error('a route under /apiops was reached without authentication');
  const [expectedRevision, reason] = [expectedRevisionOf(request), reasonOf(request)];
  return {
    ...context,
    ...(expectedRevision === undefined ? {} : { expectedRevision }),
    ...(reason === undefined ? {} : { reason }),
  };
});

/** A proxy's revision as its entity tag: what `If-Match` takes. */
export function showRevision(reply: FastifyReply, revision: number): void {
  void reply.header('etag', `"${revision}"`);
}
