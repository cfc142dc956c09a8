import type { FastifyRequest } from 'fastify';

const PUBLIC_ROUTES = new Set([
  ...['/healthz', '/readyz', '/metrics'],
  ...['/apiops/openapi', '/apiops/docs', '/apiops/auth/token'],
]);
/** What the page at `/apiops/docs` is made of. */
const BELOW_PUBLIC = '/apiops/docs/';

/** Pages of others that no guard stands before: the hook itself asks for an administrator of everything. */
const ADMINISTRATORS_PAGES = /^\/apiops\/queues(?:\/|$)/;

const routeOf = (request: FastifyRequest): string | undefined => request.routeOptions.url?.replace(/(?<=.)\/$/, '');

/**
 * Goes by the route that was found, not by the address: `/%61piops/` and `http://any/apiops/` find the same routes, and
 * whatever is not public by name needs a token. An address without a route has nothing to protect but `/apiops`.
 */
export function isProtected(request: FastifyRequest): boolean {
  const route = routeOf(request);
  if (route === undefined) return /^\/apiops(?:[/?]|$)/i.test(request.url);
  return !PUBLIC_ROUTES.has(route) && !route.startsWith(BELOW_PUBLIC);
}

export const isAdministratorsPage = (request: FastifyRequest): boolean =>
  ADMINISTRATORS_PAGES.test(routeOf(request) ?? '');
