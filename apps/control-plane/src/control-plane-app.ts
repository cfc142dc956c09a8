import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { ControlPlaneModule, type ControlPlaneResources } from './control-plane.module.ts';
import { authenticateWith } from './http/authentication.ts';
import { LARGEST_BODY_BYTES, useBodyParsers } from './http/body-parsers.ts';
import { failure } from './http/envelope.ts';
import { FrameworkLogger } from '#libs/program-shell';

/** Names have at most 255 characters, each of them up to three in a URL; what is too long is refused as a name. */
const LONGEST_NAME_IN_PATH = 1_000;

/** The control plane as a Nest application, not yet listening. */
export async function createControlPlaneApp(
  resources: ControlPlaneResources,
  adminToken: string,
): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    bodyLimit: LARGEST_BODY_BYTES,
    routerOptions: { ignoreTrailingSlash: true, caseSensitive: true, maxParamLength: LONGEST_NAME_IN_PATH },
    frameworkErrors: (_error: unknown, _request: unknown, reply: Pick<FastifyReply, 'code'>) => {
      void reply.code(400).send(failure('bad_request', 'the address is not a valid URL'));
    },
  });
  const app = await NestFactory.create<NestFastifyApplication>(ControlPlaneModule.with(resources), adapter, {
    logger: new FrameworkLogger(resources.logger),
    abortOnError: false,
    bodyParser: false,
  });
  adapter.getInstance<FastifyInstance>().addHook('onRequest', authenticateWith(adminToken));
  useBodyParsers(app);
  return app;
}
