import 'reflect-metadata';
import cluster from 'node:cluster';
import os from 'node:os';
import { readGatewayConfig } from './config/gateway.config.ts';
import { settingsHelp } from './config/settings-help.ts';
import { SnapshotInUse } from './config-subscriber/snapshot/directory-owner.ts';
import { inheritSnapshot } from './config-subscriber/snapshot/snapshot-layout.ts';
import { SnapshotDirectoryUnusable } from './config-subscriber/snapshot/snapshot-store.ts';
import { CannotListen } from './listening.ts';
import { BadSettings, createLogger, programVersion, stopSignalHandler } from '#libs/program-shell';
import { startGateway } from './start-gateway.ts';
import { serveAsWorker } from './workers/serve-as-worker.ts';
import { startWorkers } from './workers/start-workers.ts';
import { WORKER_COUNT_VARIABLE, WORKER_NUMBER_VARIABLE } from './workers/worker-protocol.ts';
import { WorkersCannotStart } from './workers/worker-supervisor.ts';

/** What a person can put right: said in one line, without a stack. */
const PLAIN_FAILURES = [BadSettings, CannotListen, SnapshotInUse, SnapshotDirectoryUnusable, WorkersCannotStart];

const plainReason = (error: unknown): string | undefined =>
  PLAIN_FAILURES.some((kind) => error instanceof kind) ? (error as Error).message : undefined;

async function run(): Promise<void> {
  const config = readGatewayConfig(process.env, os.hostname());
  const logger = createLogger(config.logLevel);
  const worker = cluster.isWorker ? process.env[WORKER_NUMBER_VARIABLE] : undefined;
  if (worker !== undefined) {
    const processes = Number(process.env[WORKER_COUNT_VARIABLE]);
    return serveAsWorker({ ...config, processes }, logger.child({ worker: Number(worker) }), plainReason);
  }
  const starting = config.workers > 1 ? startWorkers(config, logger) : startAlone(config, logger);
  // From now on: to the first process of a container a signal that nobody listens for does nothing.
  let kill = (): void => undefined;
  const onSignal = stopSignalHandler({
    stop: () => void starting.then((gateway) => gateway.stop()).then(() => process.exit(0), fail),
    hurry: () => {
      kill();
      process.exit(1);
    },
    nowMs: () => performance.now(),
  });
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  const gateway = await starting;
  kill = () => gateway.kill();
}

async function startAlone(...[config, logger]: Parameters<typeof startGateway>) {
  await inheritSnapshot(config.snapshotDir);
  const gateway = await startGateway(config, logger);
  return { stop: () => gateway.stop(), kill: () => undefined };
}

function fail(error: unknown): never {
  console.error(plainReason(error) ?? error);
  process.exit(1);
}

if (process.argv.includes('--help')) process.stdout.write(settingsHelp());
else if (process.argv.includes('--version')) process.stdout.write(`${programVersion(import.meta.dirname)}\n`);
else run().catch(fail);
