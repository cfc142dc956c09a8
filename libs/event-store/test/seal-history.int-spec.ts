import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { CheckpointFollower, CheckpointWriter, verifyHistory } from '../src/audit/index.ts';
import { HistoryUnsealed, SealRefused } from '../src/event-store-errors.ts';
import { HistoryKeys } from '../src/history-keys.ts';
import { EVENT_STORE_MIGRATIONS } from '../src/migrate.ts';
import { PostgresEventStore } from '../src/postgres-event-store.ts';
import { sealHistory } from '../src/seal-history.ts';
import { freshDatabase, type FreshDatabase, TEST_HISTORY_KEYS, wholeLogReadable } from '../src/testing/index.ts';

const context = { recordedAt: '2026-01-02T03:04:05.678Z', metadata: { actor: 'ada', requestId: 'request-1' } };

let database: FreshDatabase;
let store: PostgresEventStore;
let client: pg.Client;

const sql = (text: string) => database.pool.query(text);
const append = (streamId: string, count: number) =>
  store.transact((session) => {
    const events = Array.from({ length: count }, (_, index) => ({
      type: 'Counted',
      schemaVersion: 1,
      data: { index },
    }));
    return session.append({ streamId, expectedVersion: 'any', events }, context);
  });
const seal = () => sealHistory(client, TEST_HISTORY_KEYS);
const macs = async () =>
  (await database.pool.query<{ mac: Buffer | null }>('SELECT mac FROM events ORDER BY stream_id, version')).rows.map(
    ({ mac }) => mac?.toString('hex') ?? null,
  );
const verify = () => verifyHistory(database.pool, TEST_HISTORY_KEYS, { files: [], faultLimit: 5 });

/** What migration 0002 leaves of a log that an earlier version made. */
async function unseal(): Promise<void> {
  await sql('ALTER TABLE events ALTER COLUMN mac DROP NOT NULL');
  await sql('ALTER TABLE streams ALTER COLUMN mac DROP NOT NULL');
  await sql('UPDATE events SET mac = NULL');
  await sql('UPDATE streams SET mac = NULL');
}

beforeAll(async () => {
  database = await freshDatabase(EVENT_STORE_MIGRATIONS);
  store = new PostgresEventStore(database.pool, TEST_HISTORY_KEYS);
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
beforeEach(async () => {
  await sql('TRUNCATE events, streams, history_checkpoints, history_checkpoint_heads');
  // More than one batch, and a stream across its end.
  await append('a', 700);
  await append('b', 700);
  await append('c', 1);
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

describe('history from before events were authenticated', () => {
  it('gets the MACs it would have had, once, and goes on from there', async () => {
    const before = await macs();
    await unseal();
    await expect(append('a', 1)).rejects.toBeInstanceOf(HistoryUnsealed);
    expect(await seal()).toBe(1_401);
    expect(await macs()).toEqual(before);
    expect(await seal()).toBeUndefined();
    await expect(sql(`UPDATE events SET mac = NULL WHERE stream_id = 'c'`)).rejects.toThrow(/not-null/);
    await expect(sql('UPDATE streams SET mac = NULL')).rejects.toThrow(/not-null/);
    await append('b', 1);
    expect(await verify()).toMatchObject({ events: 1_402, streams: 3, faultCount: 0 });
  });

  it('is sealed by one of several processes that start at once', async () => {
    await unseal();
    const others = await Promise.all(
      [1, 2, 3].map(async () => {
        const other = new pg.Client({ connectionString: database.url });
        await other.connect();
        return other;
      }),
    );
    const sealed = await Promise.all(others.map((other) => sealHistory(other, TEST_HISTORY_KEYS)));
    await Promise.all(others.map((other) => other.end()));
    expect(sealed.filter((count) => count !== undefined)).toEqual([1_401]);
    expect(await verify()).toMatchObject({ faultCount: 0 });
  });

  it('is sealed as a whole or not at all', async () => {
    await unseal();
    await sql(`UPDATE streams SET version = 9 WHERE stream_id = 'c'`);
    await expect(seal()).rejects.toThrow(/contains null values/);
    expect(new Set(await macs())).toEqual(new Set([null]));
    // The connection is not left in the transaction that failed.
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });
});

describe('a MAC that was taken away', () => {
  it('is not given again, however the database was prepared for it', async () => {
    await sql('ALTER TABLE events ALTER COLUMN mac DROP NOT NULL');
    await sql(`UPDATE events SET mac = NULL, data = '{}' WHERE stream_id = 'b' AND version = 3`);
    expect(await seal()).toBeUndefined();
    expect((await verify()).faults).toMatchObject([{ kind: 'mac-missing', event: { streamId: 'b', version: 3 } }]);
    await sql(`DELETE FROM events WHERE stream_id = 'b'`);
    await sql(`DELETE FROM streams WHERE stream_id = 'b'`);
    await sql('ALTER TABLE events ALTER COLUMN mac SET NOT NULL');
  });

  it('is not given again when all of them are gone, but a checkpoint is there', async () => {
    await wholeLogReadable(database.pool);
    await new CheckpointWriter(store, TEST_HISTORY_KEYS).take(0);
    await unseal();
    expect(await seal()).toBeUndefined();
    expect(new Set(await macs())).toEqual(new Set([null]));
  });

  it('is not given again when the checkpoints are gone as well, but one is kept in a file outside', async () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'seal-history-'));
    const file = path.join(directory, 'checkpoints.jsonl');
    await wholeLogReadable(database.pool);
    await new CheckpointWriter(store, TEST_HISTORY_KEYS).take(0);
    await new CheckpointFollower(store, TEST_HISTORY_KEYS, file).follow();
    await unseal();
    await sql(`UPDATE events SET data = '{"index": 12}' WHERE stream_id = 'c'`);
    await sql('TRUNCATE history_checkpoints, history_checkpoint_heads');
    await expect(sealHistory(client, TEST_HISTORY_KEYS, file)).rejects.toBeInstanceOf(SealRefused);
    expect(new Set(await macs())).toEqual(new Set([null]));
    // Whoever signed it: the keys may have been taken away with the rest.
    const otherKeys = HistoryKeys.derivedFrom(Buffer.alloc(32, 8));
    await expect(sealHistory(client, otherKeys, file)).rejects.toBeInstanceOf(SealRefused);
    writeFileSync(file, '{"kind":"something else"}\nnull\n');
    expect(await sealHistory(client, TEST_HISTORY_KEYS, file)).toBe(1_401);
    await unseal();
    rmSync(directory, { recursive: true });
    expect(await sealHistory(client, TEST_HISTORY_KEYS, file)).toBe(1_401);
  });
});
