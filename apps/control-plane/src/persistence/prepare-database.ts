import type pg from 'pg';
import {
  awaitsSeal,
  EVENT_STORE_MIGRATIONS,
  isMigrated,
  migrate,
  openClient,
  sealHistory,
  SealRefused,
} from '#libs/event-store';
import { BadSettings } from '#libs/program-shell';
import { CONTROL_PLANE_MIGRATIONS } from './control-plane-migrations.ts';
import type { DataKeys } from './data-keys/data-keys.ts';
import { openDataKeys, readOpenDataKeys } from './data-keys/open-data-keys.ts';

/** @throws EventStoreUnavailable when the database cannot be reached */
export async function withClient<Value>(
  databaseUrl: string,
  work: (client: pg.Client) => Promise<Value>,
): Promise<Value> {
  const client = await openClient(databaseUrl);
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** What a person can do who finds that MACs were taken away, or who put an old database in the place of a newer one. */
const refusedSeal = ({ message }: SealRefused): BadSettings =>
  new BadSettings([
    `${message}. Either somebody took them away: restore a backup. Or a database of an earlier version was put here on ` +
      'purpose: move the file away, and keep it',
  ]);

/** @throws BadSettings */
async function requireSealed(database: pg.Client): Promise<undefined> {
  if (!(await awaitsSeal(database))) return undefined;
  throw new BadSettings(['the events of an earlier version have no MACs yet: start a process with the role api first']);
}

/** What a process needs of its database beside connections. */
export interface PreparedDatabase {
  readonly keys: DataKeys;
  /** How many events of an earlier version were given a MAC; undefined when this was not the start that did it. */
  readonly sealedEvents: number | undefined;
}

export interface PreparationOptions {
  /**
   * Where checkpoints of its history are kept outside of it; null: nowhere, so that this process does not know whether events
   * had MACs before, and gives them none.
   */
  readonly checkpointFile?: string | null | undefined;
  /** Told again and again while another process migrates; which one, by its `pid` in `pg_stat_activity`. */
  readonly onWait?: (holder: number | undefined) => void;
}

const ignore = (): void => undefined;

/**
 * Brings a database up to what this version of the program needs. Safe when several processes start at once.
 *
 * @param masterKey 32 bytes
 * @throws WrongMasterKey when it is another one than before; nothing was sealed or made then
 * @throws BadSettings when events had MACs before, and nothing was sealed
 * @throws EventStoreUnavailable when the database cannot be reached
 */
export async function prepareDatabase(
  databaseUrl: string,
  masterKey: Buffer,
  { checkpointFile, onWait = ignore }: PreparationOptions = {},
): Promise<PreparedDatabase> {
  await migrate({ url: databaseUrl, onWait }, EVENT_STORE_MIGRATIONS, CONTROL_PLANE_MIGRATIONS);
  return withClient(databaseUrl, async (client) => {
    const keys = await openDataKeys(client, masterKey);
    if (checkpointFile === null) return { keys, sealedEvents: await requireSealed(client) };
    try {
      return { keys, sealedEvents: await sealHistory(client, keys.history, checkpointFile) };
    } catch (error) {
      throw error instanceof SealRefused ? refusedSeal(error) : error;
    }
  });
}

/**
 * For what runs beside a control plane, perhaps one of an earlier version: changes nothing.
 *
 * @param masterKey 32 bytes
 * @throws BadSettings when a control plane of this version has not started on the database
 * @throws WrongMasterKey when it needs another one
 */
export async function openPreparedDatabase(client: pg.Client, masterKey: Buffer): Promise<DataKeys> {
  const isPrepared = await isMigrated(client, EVENT_STORE_MIGRATIONS, CONTROL_PLANE_MIGRATIONS);
  const keys = isPrepared ? await readOpenDataKeys(client, masterKey) : undefined;
  if (keys === undefined) {
    throw new BadSettings(['the database was not made by this version of the control plane: start that once, first']);
  }
  return keys;
}

/**
 * The same, on a connection of its own.
 *
 * @throws EventStoreUnavailable when the database cannot be reached, and as `openPreparedDatabase` throws
 */
export const requirePreparedDatabase = (databaseUrl: string, masterKey: Buffer): Promise<DataKeys> =>
  withClient(databaseUrl, (client) => openPreparedDatabase(client, masterKey));
