import { existsSync } from 'node:fs';
import path from 'node:path';
import type pg from 'pg';
import { runningPostgresUrl, startEmbeddedPostgres } from '#libs/embedded-servers';
import { type HistoryKeys, PostgresEventStore } from '#libs/event-store';
import { BadSettings, createLogger, type EnvironmentVariables, type Logger } from '#libs/program-shell';
import { readControlPlaneConfig, type ControlPlaneConfig } from '../config/control-plane.config.ts';
import { MasterKeyFile } from '../config/master-key-file.ts';
import { withMasterKey } from '../config/with-master-key.ts';
import { connectDatabase } from '../persistence/connect-database.ts';
import { requirePreparedDatabase } from '../persistence/prepare-database.ts';
import { UPCASTERS } from '../slices.ts';

/** The history of a control plane, opened by a command that runs beside it, or while it is down. */
export interface OpenHistory {
  readonly config: ControlPlaneConfig;
  readonly databaseUrl: string;
  readonly database: pg.Pool;
  readonly store: PostgresEventStore;
  readonly keys: HistoryKeys;
  readonly logger: Logger;
  close(): Promise<void>;
  /** Instead of `close` when something is still under way that is not waited for: the process has to end after it. */
  breakOff(): Promise<void>;
}

interface Server {
  readonly url: string;
  stop(): Promise<void>;
}

/** @throws BadSettings when there is nothing to open: a command creates neither a database nor a key */
export async function reachServer({ databaseUrl, dataDir }: ControlPlaneConfig): Promise<Server> {
  if (databaseUrl !== undefined) return { url: databaseUrl, stop: async () => undefined };
  if (!existsSync(path.join(dataDir, 'postgres'))) {
    throw new BadSettings([`there is no database in DATA_DIR (${dataDir}), and DATABASE_URL is not set`]);
  }
  const running = runningPostgresUrl(dataDir);
  if (running !== undefined) return { url: running, stop: async () => undefined };
  return startEmbeddedPostgres({ dataDir });
}

/** @throws BadSettings */
export function masterKeyInDataDir({ dataDir }: Pick<ControlPlaneConfig, 'dataDir'>): Buffer {
  const key = new MasterKeyFile(dataDir).read();
  if (key !== undefined) return key;
  throw new BadSettings([`MASTER_KEY is not set, and there is no master-key in DATA_DIR (${dataDir})`]);
}

/**
 * With the settings of the control plane: `DATABASE_URL` and `MASTER_KEY`, or what lies in `DATA_DIR`.
 *
 * @throws BadSettings, EventStoreUnavailable, EmbeddedServerError
 */
export async function openHistory(environment: EnvironmentVariables): Promise<OpenHistory> {
  const config = readControlPlaneConfig(environment);
  if (config.masterKey === undefined) masterKeyInDataDir(config);
  const logger = createLogger('warn');
  const server = await reachServer(config);
  const keys = await withMasterKey(
    config,
    () => masterKeyInDataDir(config),
    (masterKey) => requirePreparedDatabase(server.url, masterKey),
  ).catch(async (error: unknown) => {
    await server.stop();
    throw error;
  });
  const database = connectDatabase(server.url, logger, keys.masterKeyId);
  const close = async (): Promise<void> => {
    await database.end();
    await server.stop();
  };
  const store = new PostgresEventStore(database, keys.history, { upcasters: UPCASTERS });
  const { history } = keys;
  return {
    config,
    databaseUrl: server.url,
    database,
    store,
    keys: history,
    logger,
    close,
    breakOff: () => server.stop(),
  };
}
