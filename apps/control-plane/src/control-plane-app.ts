import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ControlPlaneModule, type ControlPlaneResources } from './control-plane.module.ts';
import { refuseAmbiguousHeaders } from './http/ambiguous-headers.ts';
import { serveQueueBoard } from './deployments/board/queue-board.ts';
import { authenticateWith } from './http/access/authentication.ts';
import { LARGEST_BODY_BYTES, useBodyParsers } from './http/bodies/body-parsers.ts';
import { answerClientErrors, answerExpectations } from './http/connection-errors.ts';
import { failure } from './http/envelope.ts';
import { ClientAddresses } from './http/access/client-addresses.ts';
import { FailedAttempts } from './http/access/failed-attempts.ts';
import { RequestBudgets } from './http/access/request-budgets.ts';
import { CONNECTION_OPTIONS, limitConnections } from './http/connection-limits.ts';
import { endQuietConnections } from './http/quiet-connections.ts';
import { SECURITY_HEADERS } from './http/response-headers.ts';
import { requestIdOf } from './http/request-context.ts';
import { logWhenDone } from './http/request-log.ts';
import { TOKEN_DIRECTORY, type TokenDirectory } from './http/access/token-directory.port.ts';
import { FrameworkLogger, type Logger } from '#libs/program-shell';
import { serveTryItAssets } from './openapi/try-it-page.ts';

/** Names have at most 255 characters, each of them up to three in a URL; what is too long is refused as a name. */
const LONGEST_NAME_IN_PATH = 1_000;

/** For all of a request to arrive, 1 MiB at most: who sends a byte now and then does not keep a connection for ever. */
const ARRIVES_WITHIN_MS = 60_000;

/** An address that no route can be looked up for: no hook runs, so what hooks do for the others is done here. */
function answerBadAddress(logger: Logger) {
  return (error: FastifyError, request: FastifyRequest, reply: FastifyReply): void => {
    logWhenDone(logger, request, reply);
    const message =
      error.code === 'FST_ERR_MAX_PARAM_LENGTH'
        ? 'a name in the address is longer than 255 characters'
        : 'the address is not a valid URL';
    void reply
      .code(400)
      .headers({ ...SECURITY_HEADERS, 'x-request-id': requestIdOf(request) })
      .send(failure('bad_request', message));
  };
}

/** Every answer has its headers, every request its id, in the answer as in the log, before anything can go wrong with it. */
function followRequests(instance: FastifyInstance, logger: Logger): void {
  instance.addHook('onRequest', async (request, reply) => {
    void reply.headers({ ...SECURITY_HEADERS, 'x-request-id': requestIdOf(request) });
    logWhenDone(logger, request, reply);
    refuseAmbiguousHeaders(request);
  });
  answerExpectations(instance.server, logger);
}

/** The control plane as a Nest application, not yet listening. */
export async function createControlPlaneApp(
  resources: ControlPlaneResources,
  adminToken: string,
): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    bodyLimit: LARGEST_BODY_BYTES,
    requestTimeout: ARRIVES_WITHIN_MS,
    http: CONNECTION_OPTIONS,
    routerOptions: { ignoreTrailingSlash: true, caseSensitive: true, maxParamLength: LONGEST_NAME_IN_PATH },
    frameworkErrors: answerBadAddress(resources.logger),
    clientErrorHandler: answerClientErrors(resources.logger),
  });
  const app = await NestFactory.create<NestFastifyApplication>(
    ControlPlaneModule.with(resources, adminToken),
    adapter,
    {
      logger: new FrameworkLogger(resources.logger),
      abortOnError: false,
      bodyParser: false,
    },
  );
  const frontDoor = {
    tokens: app.get<TokenDirectory>(TOKEN_DIRECTORY),
    attempts: app.get(FailedAttempts),
    clients: app.get(ClientAddresses),
    budgets: app.get(RequestBudgets),
  };
  const instance = adapter.getInstance<FastifyInstance>();
  followRequests(instance, resources.logger);
  limitConnections(instance.server, resources);
  endQuietConnections(instance);
  instance.addHook('onRequest', authenticateWith(frontDoor));
  useBodyParsers(app);
  if (resources.config.roles.has('api')) {
    await serveTryItAssets(app);
    await serveQueueBoard(app);
  }
  return app;
}
