import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { listenForAdmin } from '../admin/listen-for-admin.ts';
import type { GatewayConfig } from '../config/gateway.config.ts';
import type { WorkerSettings } from '../config/worker-settings.ts';
import { SnapshotLayout } from '../config-subscriber/snapshot/snapshot-layout.ts';
import { CannotListen } from '../listening.ts';
import { FrameworkLogger, type Logger } from '#libs/program-shell';
import { forkedWorkers } from './forked-worker.ts';
import { HandOver } from './hand-over.ts';
import { TrafficPort } from './traffic-port.ts';
import { WORKER_COUNT_VARIABLE, WORKER_NUMBER_VARIABLE } from './worker-protocol.ts';
import { WorkerSupervisor } from './worker-supervisor.ts';
import { WorkersInspection } from './workers-inspection.ts';
import { WorkersMetrics } from './workers-metrics.ts';
import { WorkersModule } from './workers.module.ts';

/** What a worker may take beyond `DRAIN_TIMEOUT_MS` to end; then it is killed. */
const END_GRACE_MS = 5_000;

export interface RunningWorkers {
  /** Lets requests in flight finish in every worker and ends them all. */
  stop(): Promise<void>;
  /** Ends every worker at once. */
  kill(): void;
}

/**
 * The port that all workers listen on, chosen by the system for 0: it stays the same while workers come and go. Nobody
 * listens on it yet.
 *
 * @throws CannotListen
 */
async function freeTrafficPort(host: string, port: number): Promise<number> {
  const server = createServer().listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new CannotListen('PORT', host, port, error);
  }
  const chosen = (server.address() as AddressInfo).port;
  await new Promise((resolve) => server.close(resolve));
  return chosen;
}

/** In what the settings of a worker differ from those of the whole: it is a gateway of its own. */
const settingsOfWorker =
  (config: GatewayConfig & WorkerSettings, port: number, layout: SnapshotLayout) => (number: number) => ({
    [WORKER_NUMBER_VARIABLE]: String(number),
    [WORKER_COUNT_VARIABLE]: String(config.workers),
    WORKERS: '1',
    PORT: String(port),
    GATEWAY_ID: `${config.gatewayId}.${number}`,
    SNAPSHOT_DIR: layout.directoryOf(number),
  });

async function openAdmin(config: GatewayConfig, logger: Logger, inspection: WorkersInspection) {
  const app = await NestFactory.create<NestFastifyApplication>(
    WorkersModule.forInspection(inspection),
    new FastifyAdapter({ logger: false }),
    { logger: new FrameworkLogger(logger), abortOnError: false },
  );
  await app.init();
  await listenForAdmin(app, config.adminHost, config.adminPort);
  return app;
}

function supervisorFor(wiring: {
  readonly config: GatewayConfig & WorkerSettings;
  readonly logger: Logger;
  readonly metrics: WorkersMetrics;
  readonly port: number;
  readonly traffic: TrafficPort;
  readonly handOver: HandOver;
  readonly layout: SnapshotLayout;
}): WorkerSupervisor {
  const { config, logger, metrics, port, traffic, handOver, layout } = wiring;
  return new WorkerSupervisor({
    count: config.workers,
    startWorker: forkedWorkers(handOver, settingsOfWorker(config, port, layout)),
    logger,
    onRestart: () => metrics.countRestart(),
    onEnded: (number) => metrics.ended(number),
    onLastMetrics: (number, told) => metrics.told(number, told),
    closePort: () => traffic.close(),
    nowMs: () => performance.now(),
  });
}

/**
 * Starts a gateway of several processes: this one serves the admin endpoints and sees to it that the others are there. One of
 * them serves when this fulfils.
 *
 * @throws SnapshotInUse, SnapshotDirectoryUnusable, CannotListen, WorkersCannotStart
 */
export async function startWorkers(config: GatewayConfig & WorkerSettings, logger: Logger): Promise<RunningWorkers> {
  const layout = new SnapshotLayout(config.snapshotDir);
  layout.open();
  try {
    await layout.become(config.workers);
    return await superviseWorkers(config, logger, layout);
  } catch (error) {
    layout.close();
    throw error;
  }
}

async function superviseWorkers(
  config: GatewayConfig & WorkerSettings,
  logger: Logger,
  layout: SnapshotLayout,
): Promise<RunningWorkers> {
  const { host, environment, gatewayId, workers, drainTimeoutMs } = config;
  const port = await freeTrafficPort(host, config.port);
  const metrics = new WorkersMetrics();
  const onUnserved = () => metrics.countUnserved();
  const handOver = new HandOver({ onUnserved });
  const traffic = new TrafficPort(handOver, { maxConnections: config.limits.maxConnections, onUnserved, logger });
  const supervisor = supervisorFor({ config, logger, metrics, port, traffic, handOver, layout });
  const app = await openAdmin(config, logger, new WorkersInspection(environment, supervisor, metrics));
  await supervisor.start();
  // Not before: who could not be served is refused.
  await traffic.listen(host, port);
  logger.info({ environment, gatewayId, workers, host, port }, 'workers serve');
  const stop = async (): Promise<void> => {
    await supervisor.stop(drainTimeoutMs + END_GRACE_MS);
    await app.close();
    layout.close();
    logger.info('all workers have ended');
  };
  return { stop, kill: () => supervisor.kill() };
}
