import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { HistoryKeys } from '#libs/event-store';
import { DATA_KEY_PURPOSES, dataKeyOf, type DataKey } from './data-key.ts';
import { DataKeys } from './data-keys.ts';
import { inTransaction } from './in-transaction.ts';
import { derivedFrom, MasterKey, WrongMasterKey } from './master-key.ts';
import { openSecret } from './sealed-secret.ts';
import { holdDataKeys, insertDataKeys, readDataKeys, unwrapDataKey, type Queryable } from './stored-data-keys.ts';

/** What versions without data keys worked with, straight from the master key: the first keys of their databases. */
function keysOfEarlierVersions(masterKey: Buffer): readonly DataKey[] {
  const history = HistoryKeys.materialFrom(masterKey);
  return [
    dataKeyOf('vault', 1, derivedFrom(masterKey, 'gatewarden/1/vault')),
    dataKeyOf('fingerprint', 1, derivedFrom(masterKey, 'gatewarden/1/fingerprint')),
    dataKeyOf('digest', 1, derivedFrom(masterKey, 'gatewarden/1/digest')),
    dataKeyOf('history-events', 1, history.events),
    dataKeyOf('history-snapshots', 1, history.snapshots),
    dataKeyOf('history-checkpoints', 1, history.checkpointSeed),
  ];
}

const newKeys = (): readonly DataKey[] => DATA_KEY_PURPOSES.map((purpose) => dataKeyOf(purpose, 1, randomBytes(32)));

const hasHistory = async (database: Queryable): Promise<boolean> =>
  (await database.query('select from events limit 1')).rowCount !== 0;

/**
 * The keys of a database that has none: new ones where nothing was ever kept in it. Otherwise an earlier version kept
 * something, and its keys become the data keys: nothing is sealed anew, and every MAC and fingerprint stays valid.
 *
 * @throws WrongMasterKey when what is sealed there does not open under what this master key gives: it is another one than
 * before, or the database had data keys and lost them
 */
async function firstKeys(database: Queryable, masterKey: Buffer): Promise<readonly DataKey[]> {
  const { rows } = await database.query<{ secretId: string; purpose: string; sealed: string }>(
    'select secret_id as "secretId", purpose, sealed from secrets order by created_at desc limit 1',
  );
  const newest = rows[0];
  if (newest === undefined && !(await hasHistory(database))) return newKeys();
  const keys = keysOfEarlierVersions(masterKey);
  const vaultKey = keys[0]?.key ?? Buffer.alloc(0);
  if (newest !== undefined && openSecret(vaultKey, newest, newest.sealed) === undefined) {
    throw new WrongMasterKey(new MasterKey(masterKey).id);
  }
  return keys;
}

/**
 * The data keys of a database; nothing is changed. Undefined where none have been made yet.
 *
 * @param masterKey 32 bytes
 * @throws WrongMasterKey, DataKeyDamaged
 */
export async function readOpenDataKeys(database: Queryable, masterKey: Buffer): Promise<DataKeys | undefined> {
  const master = new MasterKey(masterKey);
  const stored = await readDataKeys(database);
  if (stored.length === 0) return undefined;
  return new DataKeys(
    master,
    stored.map((one) => unwrapDataKey(master, one)),
  );
}

/**
 * The data keys of a database, made at the first start. Safe when several processes start at once: one makes them, and the
 * others wait for it.
 *
 * @param client a connection of its own, outside any transaction; the tables are those of this version
 * @param masterKey 32 bytes
 * @throws WrongMasterKey, DataKeyDamaged
 */
export async function openDataKeys(client: pg.ClientBase, masterKey: Buffer): Promise<DataKeys> {
  const there = await readOpenDataKeys(client, masterKey);
  if (there !== undefined) return there;
  return inTransaction(client, async () => {
    await holdDataKeys(client);
    const madeMeanwhile = await readOpenDataKeys(client, masterKey);
    if (madeMeanwhile !== undefined) return madeMeanwhile;
    const keys = await firstKeys(client, masterKey);
    const master = new MasterKey(masterKey);
    await insertDataKeys(client, master, keys);
    return new DataKeys(master, keys);
  });
}
