import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { failure } from './envelope.ts';
import { rememberContext, requestIdOf } from './request-context.ts';

const digest = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest();
const BEARER = /^Bearer +([^\s]+)$/i;

/**
 * Goes by the route that was found, not by the address: `/%61piops/` and `http://any/apiops/` find the same routes, and
 * whatever is not public by name needs the token. An address without a route has nothing to protect but `/apiops`.
 */
const PUBLIC_ROUTES = new Set(['/healthz', '/readyz', '/metrics']);
const isProtected = (request: FastifyRequest): boolean => {
  const route = request.routeOptions.url?.replace(/(?<=.)\/$/, '');
  return route === undefined ? /^\/apiops(?:[/?]|$)/i.test(request.url) : !PUBLIC_ROUTES.has(route);
};

/**
 * Lets only requests with the administrator's bearer token reach `/apiops`. Runs before a body is read, and compares
 * in constant time.
 */
export function authenticateWith(adminToken: string) {
  const expected = digest(adminToken);
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const requestId = requestIdOf(request);
    void reply.header('x-request-id', requestId);
    if (!isProtected(request)) return;
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
