import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import { ControlPlaneModule, type ControlPlaneResources } from './control-plane.module.ts';
import { authenticateWith } from './http/authentication.ts';
import { NestLogger } from './logging/logger.ts';

const LARGEST_BODY_BYTES = 1024 * 1024;

/** No body is not a broken body: a call without parameters may come with a JSON content type. */
function acceptEmptyJson(app: NestFastifyApplication): void {
  const instance = app.getHttpAdapter().getInstance();
  const parse = instance.getDefaultJsonParser('error', 'error');
  app.useBodyParser('application/json', { bodyLimit: LARGEST_BODY_BYTES }, (request, body, done) => {
    const text = body.toString('utf8');
    if (text.trim() === '') done(null, undefined);
    else void parse(request as never, text, done);
  });
}

/** The control plane as a Nest application, not yet listening. */
export async function createControlPlaneApp(
  resources: ControlPlaneResources,
  adminToken: string,
): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    bodyLimit: LARGEST_BODY_BYTES,
    routerOptions: { ignoreTrailingSlash: true, caseSensitive: true },
  });
  const app = await NestFactory.create<NestFastifyApplication>(ControlPlaneModule.with(resources), adapter, {
    logger: new NestLogger(resources.logger),
    abortOnError: false,
  });
  adapter.getInstance<FastifyInstance>().addHook('onRequest', authenticateWith(adminToken));
  acceptEmptyJson(app);
  return app;
}
