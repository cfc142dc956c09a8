import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '#libs/program-shell';
import { contextOf, requestIdOf } from './request-context.ts';

/** Asked every few seconds by somebody who keeps no account of it. */
const HEALTH = /^\/(?:healthz|readyz|metrics)\/?$/;
const LONGEST_PATH_SHOWN = 1_000;

const pending = new WeakMap<object, string>();

/** Id of the request on a connection that has not ended yet: what breaks the connection breaks that request. */
export const pendingRequestId = (connection: object): string | undefined => pending.get(connection);

/** One line for each request when it has ended, however it did. Without query, headers and body: those may hold secrets. */
export function logWhenDone(logger: Logger, request: FastifyRequest, reply: FastifyReply): void {
  const startedMs = performance.now();
  const { socket } = request.raw;
  pending.set(socket, requestIdOf(request));
  let isLogged = false;
  const log = (isAnswered: boolean): void => {
    if (isLogged) return;
    isLogged = true;
    pending.delete(socket);
    const path = (request.raw.url ?? '').split('?')[0]?.slice(0, LONGEST_PATH_SHOWN) ?? '';
    const line = {
      requestId: requestIdOf(request),
      actor: contextOf(request)?.actor,
      ...{ method: request.raw.method, path },
      ...(isAnswered ? { status: reply.raw.statusCode } : { aborted: true }),
      durationMs: Math.round(performance.now() - startedMs),
    };
    if (HEALTH.test(path)) logger.debug(line, 'request');
    else logger.info(line, 'request');
  };
  reply.raw.once('finish', () => log(true));
  // Without `finish` before it, the client went away.
  reply.raw.once('close', () => log(false));
}
