import type { AddressInfo } from 'node:net';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { listenForAdmin } from './admin/listen-for-admin.ts';
import type { GatewayConfig } from './config/gateway.config.ts';
import { GatewayModule } from './gateway.module.ts';
import type { GatewayParts } from './gateway-parts.ts';
import { GATEWAY_PARTS } from './injection-tokens.ts';
import { FrameworkLogger, type Logger } from '#libs/program-shell';

export interface RunningGateway {
  readonly trafficPort: number;
  readonly adminPort: number;
  /** Lets requests in flight finish, says that it is gone, and closes everything. */
  stop(): Promise<void>;
}

/**
 * Starts a gateway: it serves what its snapshot holds and answers the admin endpoints when this fulfils.
 *
 * @param nowMs milliseconds since the epoch: what requests are judged by
 * @throws SnapshotInUse, SnapshotDirectoryUnusable, CannotListen
 */
export async function startGateway(
  config: GatewayConfig,
  logger: Logger,
  nowMs: () => number = Date.now,
): Promise<RunningGateway> {
  const app = await NestFactory.create<NestFastifyApplication>(
    GatewayModule.forConfig(config, logger, nowMs),
    new FastifyAdapter({ logger: false }),
    { logger: new FrameworkLogger(logger), abortOnError: false },
  );
  const { adminHost, adminPort } = config;
  try {
    await app.init();
    await listenForAdmin(app, adminHost, adminPort);
  } catch (error) {
    await app.close();
    throw error;
  }
  const { address } = app.get<GatewayParts>(GATEWAY_PARTS);
  const admin = (app.getHttpServer().address() as AddressInfo).port;
  return { trafficPort: address.port, adminPort: admin, stop: () => app.close() };
}
