import { createHmac, hkdfSync, randomUUID } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { sealWith } from '#libs/config-distribution';
import {
  CheckpointWriter,
  EVENT_STORE_MIGRATIONS,
  HistoryKeys,
  PostgresEventStore,
  sealHistory,
  type MigrationSet,
} from '#libs/event-store';
import { freshDatabase, wholeLogReadable, type FreshDatabase } from '#libs/event-store/testing';
import { CONTROL_PLANE_MIGRATIONS } from '../../src/persistence/control-plane-migrations.ts';

const LAST_WITHOUT_DATA_KEYS = '1763000000009_newest-deployments.sql';

/** What that version made of its master key. */
const derived = (masterKey: Buffer, info: string): Buffer =>
  Buffer.from(hkdfSync('sha256', masterKey, Buffer.alloc(0), `gatewarden/1/${info}`, 32));

export const earlierFingerprint = (masterKey: Buffer, secret: string): string =>
  createHmac('sha256', derived(masterKey, 'fingerprint')).update(secret, 'utf8').digest('hex').slice(0, 16);

export const earlierDigest = (masterKey: Buffer, text: string): string =>
  createHmac('sha256', derived(masterKey, 'digest')).update(text, 'utf8').digest('hex');

export interface EarlierDatabase extends FreshDatabase {
  /** By their ids. */
  readonly secrets: ReadonlyMap<string, string>;
}

function migrationsUpTo(last: string, set: MigrationSet): MigrationSet {
  const directory = mkdtempSync(path.join(tmpdir(), 'gatewarden-migrations-'));
  for (const file of readdirSync(set.directory).filter((name) => name <= last)) {
    cpSync(path.join(set.directory, file), path.join(directory, file));
  }
  return { ...set, directory };
}

/** Events with MACs and a checkpoint over them. */
async function record(database: FreshDatabase, keys: HistoryKeys): Promise<void> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await sealHistory(client, keys);
  await client.end();
  const store = new PostgresEventStore(database.pool, keys);
  const context = { recordedAt: '2026-01-02T03:04:05.678Z', metadata: { actor: 'ada', requestId: 'r-1' } };
  for (const streamId of ['a', 'b']) {
    const events = Array.from({ length: 3 }, (_, index) => ({ type: 'Counted', schemaVersion: 1, data: { index } }));
    await store.transact((session) => session.append({ streamId, expectedVersion: 0, events }, context));
  }
  await wholeLogReadable(database.pool);
  await new CheckpointWriter(store, keys).take(0);
}

/** What the version before data keys left: its tables, secrets, events with MACs and a checkpoint, all under `masterKey`. */
export async function databaseOfEarlierVersion(masterKey: Buffer, secretCount: number): Promise<EarlierDatabase> {
  const set = migrationsUpTo(LAST_WITHOUT_DATA_KEYS, CONTROL_PLANE_MIGRATIONS);
  const database = await freshDatabase(EVENT_STORE_MIGRATIONS, set);
  rmSync(set.directory, { recursive: true });
  await record(database, HistoryKeys.derivedFrom(masterKey));
  const secrets = new Map<string, string>();
  for (let index = 0; index < secretCount; index += 1) {
    const [secretId, secret] = [randomUUID(), `the secret of ${index}`];
    const place = { environment: 'control-plane', purpose: 'password', subject: secretId, version: 1 };
    const sealed = sealWith(derived(masterKey, 'vault'), place, secret);
    const values = [secretId, 'password', sealed];
    await database.pool.query('insert into secrets (secret_id, purpose, sealed) values ($1, $2, $3)', values);
    secrets.set(secretId, secret);
  }
  return { ...database, secrets };
}
