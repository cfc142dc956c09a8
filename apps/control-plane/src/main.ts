import 'reflect-metadata';
import { acquireDirectoryLock, startEmbeddedPostgres } from '#libs/embedded-servers';
import { readControlPlaneConfig, type ControlPlaneConfig } from './config/control-plane.config.ts';
import { generatedAdminToken, generatedMasterKey } from './config/generated-secret.ts';
import { explainFailure } from './config/explain-failure.ts';
import { SETTINGS_HELP } from './config/settings-help.ts';
import { withMasterKey } from './config/with-master-key.ts';
import { createControlPlaneApp } from './control-plane-app.ts';
import { createLogger, programVersion, stopSignalHandler, type Logger } from '#libs/program-shell';
import { connectDatabase } from './persistence/connect-database.ts';
import { prepareDatabase } from './persistence/prepare-database.ts';

interface Database {
  readonly url: string;
  stop(): Promise<void>;
}

/** The database the settings name, or one of our own, guarded against a second process on the same directory. */
async function openDatabase(config: ControlPlaneConfig, logger: Logger): Promise<Database> {
  if (config.databaseUrl !== undefined) return { url: config.databaseUrl, stop: async () => undefined };
  const lock = acquireDirectoryLock(config.dataDir, 'control plane');
  const onProgress = (message: string) => logger.info({ server: 'postgresql' }, message);
  const server = await startEmbeddedPostgres({ dataDir: config.dataDir, onProgress });
  let isStopping = false;
  void server.exited.then(() => {
    if (isStopping) return;
    // Whoever supervises this process starts it again, and with it the database: its data are safe.
    logger.fatal('the embedded PostgreSQL ended by itself: see postgres.log in DATA_DIR');
    process.exit(1);
  });
  const stop = async () => {
    isStopping = true;
    await server.stop();
    lock.release();
  };
  return { url: server.url, stop };
}

const sayWaiting = (logger: Logger) => (holder: number | undefined) =>
  logger.warn(
    { pid: holder },
    'waiting for another process that migrates the database (pg_stat_activity knows its pid)',
  );

async function start(config: ControlPlaneConfig, logger: Logger): Promise<() => Promise<void>> {
  const database = await openDatabase(config, logger);
  const checkpointFile = config.roles.has('api') ? config.auditCheckpointFile : null;
  const { keys, sealedEvents: events } = await withMasterKey(
    config,
    () => generatedMasterKey(config.dataDir),
    (masterKey) => prepareDatabase(database.url, masterKey, { checkpointFile, onWait: sayWaiting(logger) }),
  );
  if (events !== undefined) logger.warn({ events }, 'events of an earlier version were given their MACs');
  const pool = connectDatabase(database.url, logger, keys.masterKeyId);
  const adminToken = config.adminToken ?? generatedAdminToken(config.dataDir);
  const app = await createControlPlaneApp({ config, database: pool, keys, logger }, adminToken);
  await app.listen({ host: config.host, port: config.port });
  logger.info({ address: await app.getUrl(), roles: [...config.roles] }, 'control plane is listening');
  return async () => {
    await app.close();
    await pool.end();
    await database.stop();
  };
}

function fail(error: unknown): never {
  process.stderr.write(`control plane: ${explainFailure(error)}\n`);
  process.exit(1);
}

async function main(): Promise<void> {
  if (process.argv.includes('--help')) {
    process.stdout.write(SETTINGS_HELP);
    return;
  }
  if (process.argv.includes('--version')) {
    process.stdout.write(`${programVersion(import.meta.dirname)}\n`);
    return;
  }
  const config = readControlPlaneConfig(process.env);
  const logger = createLogger(config.logLevel);
  const stop = await start(config, logger);
  const onSignal = stopSignalHandler({
    stop: (signal) => {
      logger.info({ signal }, 'stopping');
      stop().then(() => process.exit(0), fail);
    },
    hurry: () => process.exit(1),
    nowMs: () => performance.now(),
  });
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}

main().catch(fail);
