import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
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

/** Remembers who asks; from here on every event of this request carries it. */
export function rememberContext(request: FastifyRequest, actor: string, requestId: string): void {
  const reason = headerText(request, 'x-change-reason');
  const idempotencyKey = headerText(request, 'idempotency-key');
  contexts.set(request, {
    actor,
    requestId,
    ...(reason === undefined ? {} : { reason }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  });
}

/** Who asks, in a controller's parameters. */
export const Asker = createParamDecorator((_data: unknown, execution: ExecutionContext): RequestContext => {
  const context = contexts.get(execution.switchToHttp().getRequest<FastifyRequest>());
  if (context === undefined) throw new Error('a route under /apiops was reached without authentication');
  return context;
});
