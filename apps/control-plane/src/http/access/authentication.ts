import type { FastifyReply, FastifyRequest } from 'fastify';
import { failure } from '../envelope.ts';
import type { ClientAddresses } from './client-addresses.ts';
import type { FailedAttempts } from './failed-attempts.ts';
import { ACCESS_DENIED_MESSAGE } from './permission.guard.ts';
import { spend, type RequestBudgets } from './request-budgets.ts';
import { isAdministratorsPage, isProtected } from './public-routes.ts';
import { rememberAsker, requestIdOf } from '../request-context.ts';
import type { TokenDirectory, TokenStanding } from './token-directory.port.ts';

const BEARER = /^Bearer +([^\s]+)$/i;
const BASIC = /^Basic +([A-Za-z0-9+/]+=*)$/i;
/** Any user; the password is the token (RFC 7617). */
const USER_AND_TOKEN = /^[^:]*:([^\s]+)$/;

/** The vendor's words, without its exclamation marks. */
const REFUSALS: Readonly<Record<Exclude<TokenStanding['status'], 'valid'>, string>> = {
  expired: 'Token was expired',
  unknown: 'Token is not valid',
};

async function unauthorised(request: FastifyRequest, reply: FastifyReply, message: string): Promise<void> {
  const challenge = isAdministratorsPage(request) ? 'Basic realm="Gatewarden queues", charset="UTF-8"' : 'Bearer';
  await reply.code(401).header('www-authenticate', challenge).send(failure('unauthorized_client', message));
}

/** The token that a request brings in the usual way. */
export const bearerIn = ({ headers }: FastifyRequest): string | undefined =>
  BEARER.exec(headers.authorization ?? '')?.[1];

/** A browser that is sent to a page has no bearer token to send with it: there, and there alone, Basic will do. */
function presentedIn(request: FastifyRequest): string | undefined {
  const bearer = bearerIn(request);
  if (bearer !== undefined || !isAdministratorsPage(request)) return bearer;
  const encoded = BASIC.exec(request.headers.authorization ?? '')?.[1];
  if (encoded === undefined) return undefined;
  return USER_AND_TOKEN.exec(Buffer.from(encoded, 'base64').toString('utf8'))?.[1];
}

/** The 429 of the contract. */
export function tooManyFailures(reply: FastifyReply, retryAfterSeconds: number) {
  void reply.code(429).header('retry-after', String(retryAfterSeconds));
  return failure('too_many_requests', `too many failed authentications; try again in ${retryAfterSeconds} s`);
}

interface FrontDoor {
  readonly tokens: TokenDirectory;
  readonly attempts: FailedAttempts;
  readonly clients: ClientAddresses;
  readonly budgets: RequestBudgets;
}

/**
 * Lets only requests with a valid token reach what is not public. Runs before a body is read. What the token may
 * do is the guard's to ask.
 */
export function authenticateWith({ tokens, attempts, clients, budgets }: FrontDoor) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const requestId = requestIdOf(request);
    void reply.header('x-request-id', requestId);
    if (!isProtected(request)) return;
    const presented = presentedIn(request);
    if (presented === undefined)
      return unauthorised(request, reply, 'Client must be authenticated to access this resource');
    const looked = await attempts.lookAt(
      { address: clients.of(request), token: presented },
      () => tokens.standingOf(presented),
      ({ status }) => status === 'valid',
    );
    if ('retryAfterSeconds' in looked) return void (await reply.send(tooManyFailures(reply, looked.retryAfterSeconds)));
    const standing = looked.found;
    if (standing.status !== 'valid') return unauthorised(request, reply, REFUSALS[standing.status]);
    const spent = spend(reply, await budgets.take(standing.access.actor));
    if (spent !== undefined) return void (await reply.send(spent));
    rememberAsker(request, standing.access, requestId);
    if (isAdministratorsPage(request) && !standing.access.mayEverywhere('ADMIN')) {
      await reply.code(403).send(failure('access_denied', ACCESS_DENIED_MESSAGE));
    }
  };
}
