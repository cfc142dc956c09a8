import 'reflect-metadata';
import os from 'node:os';
import { readGatewayConfig } from './config/gateway.config.ts';
import { settingsHelp } from './config/settings-help.ts';
import { SnapshotInUse } from './config-subscriber/snapshot/directory-owner.ts';
import { SnapshotDirectoryUnusable } from './config-subscriber/snapshot/snapshot-store.ts';
import { CannotListen } from './listening.ts';
import { BadSettings, createLogger, stopSignalHandler } from '#libs/program-shell';
import { startGateway } from './start-gateway.ts';

/** What a person can put right: said in one line, without a stack. */
const PLAIN_FAILURES = [BadSettings, CannotListen, SnapshotInUse, SnapshotDirectoryUnusable];

async function run(): Promise<void> {
  const config = readGatewayConfig(process.env, os.hostname());
  const gateway = await startGateway(config, createLogger(config.logLevel));
  const onSignal = stopSignalHandler({
    stop: () => void gateway.stop().then(() => process.exit(0), fail),
    hurry: () => process.exit(1),
    nowMs: () => performance.now(),
  });
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
}

function fail(error: unknown): never {
  const isPlain = PLAIN_FAILURES.some((kind) => error instanceof kind);
  console.error(isPlain ? (error as Error).message : error);
  process.exit(1);
}

if (process.argv.includes('--help')) process.stdout.write(settingsHelp());
else run().catch(fail);
