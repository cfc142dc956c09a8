import 'reflect-metadata';
import pg from 'pg';
import { EventStoreUnavailable } from '#libs/event-store';
import { acquireDirectoryLock, EmbeddedServerError, startEmbeddedPostgres } from '#libs/embedded-servers';
import { readControlPlaneConfig, type ControlPlaneConfig } from './config/control-plane.config.ts';
import { generatedAdminToken, generatedMasterKey } from './config/generated-secret.ts';
import { SETTINGS_HELP } from './config/settings-help.ts';
import { createControlPlaneApp } from './control-plane-app.ts';
import { BadSettings, createLogger, stopSignalHandler, type Logger } from '#libs/program-shell';
import { prepareDatabase } from './persistence/prepare-database.ts';
import { SecretVault } from './persistence/secret-vault.ts';

const CONNECTIONS = 20;
const CONNECT_WITHIN_MS = 5_000;
/** No statement takes so long, waits for others included: a database that does not answer is one that is away. */
const ANSWERS_WITHIN_MS = 30_000;

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

function connect(url: string, logger: Logger): pg.Pool {
  const pool = new pg.Pool({
    ...{ connectionString: url, max: CONNECTIONS, keepAlive: true, pipeline: true },
    ...{ connectionTimeoutMillis: CONNECT_WITHIN_MS, query_timeout: ANSWERS_WITHIN_MS },
  });
  pool.on('error', (error) => logger.warn({ reason: error.message }, 'a database connection was lost'));
  return pool;
}

/**
 * Under another key than before, gateways would not be told of what is stored, and new secrets would need that key.
 *
 * @throws BadSettings
 */
async function requireSameMasterKey(masterKey: Buffer, database: pg.Pool): Promise<void> {
  if (await new SecretVault(masterKey).opensWhatIsStored(database)) return;
  throw new BadSettings(['MASTER_KEY is not the one that the secrets in this database were sealed with']);
}

async function start(config: ControlPlaneConfig, logger: Logger): Promise<() => Promise<void>> {
  const database = await openDatabase(config, logger);
  const masterKey = config.masterKey ?? generatedMasterKey(config.dataDir);
  const pool = connect(database.url, logger);
  await requireSameMasterKey(masterKey, pool);
  const sealed = await prepareDatabase(database.url, masterKey);
  if (sealed !== undefined) logger.warn({ events: sealed }, 'events of an earlier version were given their MACs');
  const adminToken = config.adminToken ?? generatedAdminToken(config.dataDir);
  const app = await createControlPlaneApp({ config, database: pool, masterKey, logger }, adminToken);
  await app.listen({ host: config.host, port: config.port });
  logger.info({ address: await app.getUrl(), roles: [...config.roles] }, 'control plane is listening');
  return async () => {
    await app.close();
    await pool.end();
    await database.stop();
  };
}

/** What a person can do something about is said in a line; anything else with its stack. */
function explain(error: unknown): string {
  if (error instanceof BadSettings) return `${error.message}\nrun with --help for the list of settings`;
  if (error instanceof EmbeddedServerError)
    return [error.message, ...error.remedies.map((one) => `  - ${one}`)].join('\n');
  if (error instanceof EventStoreUnavailable) {
    // Of a name with several addresses Node tells the code alone.
    const { code, message = '' } = (error.cause ?? error) as NodeJS.ErrnoException;
    return `the database cannot be reached: ${message || code}; DATABASE_URL says where it is`;
  }
  const { code, port } = error as NodeJS.ErrnoException & { port?: number };
  if (code === 'EADDRINUSE')
    return `port ${port} is taken: set PORT to a free one, or stop what listens there (ss -ltnp)`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function fail(error: unknown): never {
  process.stderr.write(`control plane: ${explain(error)}\n`);
  process.exit(1);
}

async function main(): Promise<void> {
  if (process.argv.includes('--help')) {
    process.stdout.write(SETTINGS_HELP);
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
