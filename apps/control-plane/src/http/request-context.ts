import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { invalidField } from '../decider/domain-error.ts';
import type { RequestContext } from '../persistence/unit-of-work.ts';

const contexts = new WeakMap<object, RequestContext>();

const headerText = (request: FastifyRequest, name: string): string | undefined => {
  const value = request.headers[name];
  return typeof value === 'string' && value !== '' ? value.slice(0, 1_000) : undefined;
};

/** Request ids from outside are kept when they are harmless in a log. */
const SAFE_ID = /^[A-Za-z0-9._:-]{1,128}$/;

export function requestIdOf(request: FastifyRequest): string {
  const given = headerText(request, 'x-request-id');
  return given !== undefined && SAFE_ID.test(given) ? given : randomUUID();
}

/** `If-Match: "<revision>"`, quotes or not. @throws DomainError VALIDATION_FAILED when it is anything else. */
function expectedRevisionOf(request: FastifyRequest): number | undefined {
  const text = headerText(request, 'if-match');
  if (text === undefined || text === '*') return undefined;
  const revision = /^"?(\d{1,9})"?$/.exec(text)?.[1];
  if (revision === undefined) throw invalidField('If-Match', 'invalid', 'If-Match must be one revision: "3"');
  return Number(revision);
}

/** Remembers who asks; from here on every event of this request carries it. */
export function rememberContext(request: FastifyRequest, actor: string, requestId: string): void {
  const reason = headerText(request, 'x-change-reason');
  contexts.set(request, { actor, requestId, mayDeploy: true, ...(reason === undefined ? {} : { reason }) });
}

/** Who asks, in a controller's parameters. */
export const Asker = createParamDecorator((_data: unknown, execution: ExecutionContext): RequestContext => {
  const context = contexts.get(execution.switchToHttp().getRequest<FastifyRequest>());
  if (context === undefined) throw new Error('a route under /apiops was reached without authentication');
  const expectedRevision = expectedRevisionOf(execution.switchToHttp().getRequest<FastifyRequest>());
  return expectedRevision === undefined ? context : { ...context, expectedRevision };
});

/** A proxy's revision as its entity tag: what `If-Match` takes. */
export function showRevision(reply: FastifyReply, revision: number): void {
  void reply.header('etag', `"${revision}"`);
}
