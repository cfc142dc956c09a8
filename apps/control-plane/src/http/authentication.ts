import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { failure } from './envelope.ts';
import { rememberContext, requestIdOf } from './request-context.ts';

const digest = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest();
const BEARER = /^Bearer +([^\s]+)$/i;

const isApiops = (url: string): boolean => /^\/apiops(?:[/?]|$)/i.test(url);

/**
 * Lets only requests with the administrator's bearer token reach `/apiops`. Runs before a body is read, and compares
 * in constant time.
 */
export function authenticateWith(adminToken: string) {
  const expected = digest(adminToken);
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const requestId = requestIdOf(request);
    void reply.header('x-request-id', requestId);
    if (!isApiops(request.url)) return;
    const presented = BEARER.exec(request.headers.authorization ?? '')?.[1];
    if (presented !== undefined && timingSafeEqual(digest(presented), expected)) {
      rememberContext(request, 'admin', requestId);
      return;
    }
    const message =
      presented === undefined ? 'Client must be authenticated to access this resource' : 'Token is not valid';
    await reply.code(401).header('www-authenticate', 'Bearer').send(failure('unauthorized_client', message));
  };
}
