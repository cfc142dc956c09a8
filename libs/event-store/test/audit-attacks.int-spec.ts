import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CheckpointFollower, CheckpointWriter, type HistoryFaultKind, verifyHistory } from '../src/audit/index.ts';
import { EVENT_STORE_MIGRATIONS } from '../src/migrate.ts';
import { PostgresEventStore } from '../src/postgres-event-store.ts';
import { freshDatabase, type FreshDatabase, TEST_HISTORY_KEYS, wholeLogReadable } from '../src/testing/index.ts';

const TABLES = ['event_store_epochs', 'streams', 'events', 'history_checkpoints', 'history_checkpoint_heads'];
const metadata = { actor: 'ada', requestId: 'request-1', reason: 'because' };

let database: FreshDatabase;
let store: PostgresEventStore;
let writer: CheckpointWriter;
let directory: string;
let file: string;
let clock = Date.parse('2026-01-02T03:00:00.000Z');

const sql = (text: string) => database.pool.query(text);
async function takeCheckpoint(): Promise<void> {
  await wholeLogReadable(database.pool);
  await writer.take(clock);
}
async function append(...streamIds: string[]): Promise<void> {
  clock += 1_000;
  const recordedAt = new Date(clock).toISOString();
  await store.transact(async (session) => {
    for (const streamId of streamIds) {
      const events = [{ type: 'Counted', schemaVersion: 1, data: { by: streamId, at: clock, of: [1, null, 'ä'] } }];
      await session.append({ streamId, expectedVersion: 'any', events }, { recordedAt, metadata });
    }
  });
}

/**
 * Events in the order of the log: a1 b1 b2 a2 a3 c1 | a4 b3 c2 d1 | a5 b4, with a checkpoint at each bar. The file has
 * what the table has.
 */
async function record(): Promise<void> {
  await append('a');
  await append('b', 'b');
  await append('a', 'a');
  await append('c');
  await takeCheckpoint();
  for (const streamId of ['a', 'b', 'c', 'd']) await append(streamId);
  await takeCheckpoint();
  await new CheckpointFollower(store, TEST_HISTORY_KEYS, file).follow();
  await append('a', 'b');
}

beforeAll(async () => {
  database = await freshDatabase(EVENT_STORE_MIGRATIONS);
  directory = await mkdtemp(path.join(tmpdir(), 'gatewarden-audit-'));
  file = path.join(directory, 'checkpoints.jsonl');
  store = new PostgresEventStore(database.pool, TEST_HISTORY_KEYS);
  writer = new CheckpointWriter(store, TEST_HISTORY_KEYS);
  await record();
  for (const table of TABLES) await sql(`CREATE TABLE kept_${table} AS TABLE ${table}`);
  // Somebody who can write to the database can do that as well.
  await sql('ALTER TABLE events ALTER COLUMN mac DROP NOT NULL, DROP CONSTRAINT events_mac_check');
});
beforeEach(async () => {
  await sql(`TRUNCATE ${TABLES.join(', ')}`);
  for (const table of TABLES) await sql(`INSERT INTO ${table} OVERRIDING SYSTEM VALUE TABLE kept_${table}`);
});
afterAll(async () => {
  await database.drop();
  await rm(directory, { recursive: true });
});

const verify = (files: readonly string[] = []) =>
  verifyHistory(database.pool, TEST_HISTORY_KEYS, { files, faultLimit: 20 });

/** What is named, shortly: `changed a2`. */
async function named(files?: readonly string[]): Promise<string[]> {
  const { faults } = await verify(files);
  return faults.map(({ kind, event, streamId, checkpoint }) => {
    const what =
      event === undefined ? (streamId ?? `checkpoint ${checkpoint ?? '?'}`) : `${event.streamId}${event.version}`;
    return `${kind} ${what}`;
  });
}

/** Condition for one event, such as `a2`. */
const is = (name: string) => `stream_id = '${name[0]}' AND version = ${name.slice(1)}`;
const set = (name: string, change: string) => `UPDATE events SET ${change} WHERE ${is(name)}`;
const swap = (one: string, other: string, ...columns: string[]) => `
  UPDATE events e SET ${columns.map((column) => `${column} = o.${column}`).join(', ')}
  FROM kept_events o WHERE (e.${is(one).replace('AND version', 'AND e.version')} AND o.${is(other).replace('AND version', 'AND o.version')})
    OR (e.${is(other).replace('AND version', 'AND e.version')} AND o.${is(one).replace('AND version', 'AND o.version')})`;
/** Positions are a key, and the number in them is the database's: they go by way of new rows. */
const swapPlaces = (one: string, other: string) => `
  DELETE FROM events WHERE (${is(one)}) OR (${is(other)});
  INSERT INTO events (epoch, transaction_id, sequence, event_id, stream_id, version, type, schema_version, recorded_at, metadata, data, mac)
  OVERRIDING SYSTEM VALUE
  SELECT p.epoch, p.transaction_id, p.sequence, e.event_id, e.stream_id, e.version, e.type, e.schema_version, e.recorded_at, e.metadata, e.data, e.mac
  FROM kept_events e JOIN kept_events p ON (e.stream_id = '${one[0]}' AND e.version = ${one.slice(1)} AND p.stream_id = '${other[0]}' AND p.version = ${other.slice(1)})
    OR (e.stream_id = '${other[0]}' AND e.version = ${other.slice(1)} AND p.stream_id = '${one[0]}' AND p.version = ${one.slice(1)})`;
const setHead = (stream: string, version: number) => `
  UPDATE streams s SET version = e.version, mac = e.mac FROM events e
  WHERE s.stream_id = '${stream}' AND e.stream_id = s.stream_id AND e.version = ${version}`;
const cutEnd = (stream: string, version: number) => `
  DELETE FROM events WHERE stream_id = '${stream}' AND version > ${version}; ${setHead(stream, version)}`;

type Attack = readonly [name: string, statements: string, expected: readonly `${HistoryFaultKind} ${string}`[]];

const CHANGES: readonly Attack[] = [
  ['data', set('a2', `data = data || '{"by": "x"}'`), ['changed a2']],
  ['data: null for a number that overflows', set('a2', `data = jsonb_set(data, '{of,1}', '1e400')`), ['changed a2']],
  ['data: a member taken away', set('a2', `data = data - 'by'`), ['changed a2']],
  ['who did it', set('a2', `metadata = metadata || '{"actor": "eve"}'`), ['changed a2']],
  ['why', set('a2', `metadata = metadata - 'reason'`), ['changed a2']],
  ['type', set('a2', `type = 'Renamed'`), ['changed a2']],
  ['schema version', set('a2', 'schema_version = 2'), ['changed a2']],
  ['event id', set('a2', 'event_id = gen_random_uuid()'), ['changed a2']],
  ['time', set('a2', `recorded_at = recorded_at + interval '1 ms'`), ['changed a2']],
  ['time, by less than is shown', set('a2', `recorded_at = recorded_at + interval '1 microsecond'`), ['changed a2']],
  ['time, to none at all', set('a2', `recorded_at = 'infinity'`), ['changed a2']],
  ['the first event', set('b1', `data = '{}'`), ['changed b1']],
  ['the last event, not anchored yet', set('a5', `data = '{}'`), ['changed a5']],
  ['MAC', set('a2', `mac = sha256('x')`), ['changed a2']],
  ['MAC to zeros', set('a2', `mac = decode(repeat('00', 32), 'hex')`), ['changed a2']],
  ['MAC to a short one', set('a2', `mac = '\\x00'`), ['changed a2']],
  ['MAC to none', set('a2', 'mac = NULL'), ['mac-missing a2']],
  ['MAC to that of another event', set('a2', `mac = (SELECT mac FROM events WHERE ${is('b1')})`), ['changed a2']],
  ['data of two events, exchanged', swap('a2', 'a4', 'data'), ['changed a2']],
  [
    'all but the place of two events, exchanged',
    swap('a2', 'b2', 'event_id', 'type', 'recorded_at', 'data', 'mac'),
    ['changed b2', 'changed a2'],
  ],
  [
    'two events in two streams',
    `${set('c1', `data = '{}'`)}; ${set('b2', `data = '{}'`)}`,
    ['changed b2', 'changed c1'],
  ],
];

const CUTS: readonly Attack[] = [
  ['the first event', `DELETE FROM events WHERE ${is('b1')}`, ['predecessor-missing b2']],
  ['one in the middle', `DELETE FROM events WHERE ${is('a2')}`, ['predecessor-missing a3']],
  [
    'one in the middle, the others moved up',
    `DELETE FROM events WHERE ${is('a2')}; UPDATE events SET version = version - 1 WHERE stream_id = 'a' AND version > 2; UPDATE streams SET version = 4 WHERE stream_id = 'a'`,
    ['changed a2'],
  ],
  ['the last one', `DELETE FROM events WHERE ${is('a5')}`, ['cut-off a4']],
  ['the last anchored one with its head row', cutEnd('c', 1), ['cut-off c1']],
  ['several at an end with the head row', cutEnd('a', 2), ['cut-off a2']],
  ['a whole stream', `DELETE FROM events WHERE stream_id = 'c'`, ['stream-missing c']],
  [
    'a whole stream with its head row',
    `DELETE FROM events WHERE stream_id = 'c'; DELETE FROM streams WHERE stream_id = 'c'`,
    ['stream-missing c'],
  ],
  ['a head row', `DELETE FROM streams WHERE stream_id = 'b'`, ['head-differs b4']],
  ['a head row set back', setHead('b', 2), ['head-differs b4']],
  ['the MAC of a head row', `UPDATE streams SET mac = sha256('x') WHERE stream_id = 'b'`, ['head-differs b4']],
  [
    'everything',
    'DELETE FROM events; DELETE FROM streams',
    ['stream-missing a', 'stream-missing b', 'stream-missing c', 'stream-missing d'],
  ],
];

const FORGED = `INSERT INTO events (epoch, transaction_id, event_id, stream_id, version, type, schema_version, recorded_at, metadata, data, mac)
  SELECT epoch, transaction_id, gen_random_uuid(), stream_id, version + 1, type, schema_version, recorded_at, metadata, data, mac FROM events WHERE`;
const PLACES: readonly Attack[] = [
  ['a forged event at an end', `${FORGED} ${is('b4')}; ${setHead('b', 5)}`, ['changed b5']],
  [
    'a forged stream',
    `INSERT INTO events (epoch, transaction_id, event_id, stream_id, version, type, schema_version, recorded_at, metadata, data, mac) SELECT epoch, transaction_id, event_id, 'z', 1, type, schema_version, recorded_at, metadata, data, mac FROM events WHERE ${is('a1')}`,
    ['changed z1'],
  ],
  [
    'a version before the first',
    `INSERT INTO events (epoch, transaction_id, event_id, stream_id, version, type, schema_version, recorded_at, metadata, data, mac) SELECT epoch, transaction_id, event_id, 'a', 0, type, schema_version, recorded_at, metadata, data, mac FROM events WHERE ${is('a1')}`,
    ['out-of-order a0'],
  ],
  ['an event moved to another stream', set('d1', `stream_id = 'z'`), ['changed z1', 'stream-missing d']],
  [
    'an event moved behind another stream',
    `${set('d1', `stream_id = 'c', version = 3`)}`,
    ['changed c3', 'stream-missing d'],
  ],
  ['places of two events of a stream', swapPlaces('a2', 'a4'), ['predecessor-missing a4']],
  ['places of events of two streams between two checkpoints', swapPlaces('a4', 'c2'), ['moved c2', 'moved a4']],
  [
    'places of events of two streams across a checkpoint',
    swapPlaces('c1', 'd1'),
    ['moved d1', 'predecessor-missing c2'],
  ],
  ['places of the last events before and after a checkpoint', swapPlaces('d1', 'b4'), ['moved b4', 'replaced d1']],
  [
    'a place, the order staying as it was',
    `DELETE FROM events WHERE ${is('d1')}; INSERT INTO events (epoch, transaction_id, sequence, event_id, stream_id, version, type, schema_version, recorded_at, metadata, data, mac) OVERRIDING SYSTEM VALUE SELECT epoch, (SELECT transaction_id FROM kept_events WHERE ${is('c2')}), sequence, event_id, stream_id, version, type, schema_version, recorded_at, metadata, data, mac FROM kept_events WHERE ${is('d1')}`,
    ['order-differs d1'],
  ],
];

const CHECKPOINTS: readonly Attack[] = [
  [
    'one taken away',
    'DELETE FROM history_checkpoint_heads WHERE number = 1; DELETE FROM history_checkpoints WHERE number = 1',
    ['checkpoint-missing checkpoint 1'],
  ],
  [
    'its digest',
    `UPDATE history_checkpoints SET digest = sha256('x') WHERE number = 1`,
    ['checkpoint-not-genuine checkpoint 1'],
  ],
  [
    'its time',
    `UPDATE history_checkpoints SET taken_at = 'infinity' WHERE number = 2`,
    ['checkpoint-not-genuine checkpoint 2'],
  ],
  [
    'its signature',
    `UPDATE history_checkpoints SET signature = '\\x00' WHERE number = 2`,
    ['checkpoint-not-genuine checkpoint 2'],
  ],
  [
    'a head in it',
    `UPDATE history_checkpoint_heads SET version = 1 WHERE number = 2 AND stream_id = 'c'`,
    ['checkpoint-not-genuine checkpoint 2'],
  ],
  [
    'a head taken out of it, with the event',
    `DELETE FROM history_checkpoint_heads WHERE number = 2 AND stream_id = 'c'; ${cutEnd('c', 1)}`,
    ['checkpoint-not-genuine checkpoint 2'],
  ],
];

describe('verification of the log', () => {
  it('finds nothing in what nobody has touched, and says what is only chained', async () => {
    expect(await verify([file])).toMatchObject({
      ...{ events: 12, streams: 4, faultCount: 0, faults: [], onlyChained: 2 },
      anchor: { checkpoint: 2, events: 10 },
      files: [{ file, checkpoints: 2, newest: 2, torn: 0 }],
    });
  });

  it.each(CHANGES)('names the event that was changed: %s', async (_, statements, expected) => {
    await sql(statements);
    expect(await named()).toEqual(expected);
  });

  it.each(CUTS)('notices what was cut off: %s', async (_, statements, expected) => {
    await sql(statements);
    expect(await named()).toEqual(expected);
  });

  it.each(PLACES)('notices what was put where it does not belong: %s', async (_, statements, expected) => {
    await sql(statements);
    expect(await named()).toEqual(expected);
  });

  it.each(CHECKPOINTS)('notices a checkpoint that was changed: %s', async (_, statements, expected) => {
    await sql(statements);
    expect(await named()).toEqual(expected);
  });

  it('says in words which event it was, when, and what is wrong with it', async () => {
    await sql(cutEnd('a', 2));
    const { rows } = await database.pool.query<{ event_id: string }>(`SELECT event_id FROM events WHERE ${is('a2')}`);
    expect((await verify()).faults[0]).toEqual({
      kind: 'cut-off',
      streamId: 'a',
      event: {
        ...{ streamId: 'a', version: 2, eventId: rows[0]?.event_id, type: 'Counted' },
        ...{ recordedAt: '2026-01-02T03:00:03.000Z', position: expect.anything() as unknown },
      },
      problem:
        'stream a ended at version 3 on 2026-01-02T03:00:04.000Z (checkpoint 1), and now its events end at version 2',
    });
  });

  it('names what was recorded in the place of events that were cut off, although it is chained well', async () => {
    await sql(cutEnd('c', 1));
    await append('c');
    expect(await named()).toEqual(['replaced c2']);
  });

  it('lists no more faults than asked for, and counts all', async () => {
    await sql(`UPDATE events SET data = '{}'`);
    const report = await verifyHistory(database.pool, TEST_HISTORY_KEYS, { files: [], faultLimit: 2 });
    expect(report).toMatchObject({ faultCount: 4, faults: [{ streamId: 'a' }, { streamId: 'b' }] });
  });

  it('finds everything changed under another key', async () => {
    const { HistoryKeys } = await import('../src/history-keys.ts');
    const other = HistoryKeys.derivedFrom(Buffer.alloc(32, 8));
    const { faults } = await verifyHistory(database.pool, other, { files: [file], faultLimit: 20 });
    expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(['changed', 'checkpoint-not-genuine']));
  });
});

describe('a file kept outside the database', () => {
  const cutCheckpoint =
    'DELETE FROM history_checkpoint_heads WHERE number = 2; DELETE FROM history_checkpoints WHERE number = 2';

  it('shows checkpoints that were cut off', async () => {
    await sql(cutCheckpoint);
    expect(await named()).toEqual([]);
    expect(await named([file])).toEqual(['checkpoint-missing checkpoint 2']);
  });

  it('shows what an older state of the whole database lacks', async () => {
    await sql(`DELETE FROM events e USING kept_history_checkpoints c WHERE c.number = 1
               AND (e.epoch, e.transaction_id, e.sequence) > (c.epoch, c.transaction_id, c.sequence)`);
    await sql(
      `DELETE FROM streams WHERE stream_id = 'd'; ${setHead('a', 3)}; ${setHead('b', 2)}; ${setHead('c', 1)}; ${cutCheckpoint}`,
    );
    expect(await named()).toEqual([]);
    expect(await named([file])).toEqual([
      ...['cut-off b2', 'cut-off a3', 'cut-off c1'],
      ...['checkpoint-missing checkpoint 2', 'stream-missing d'],
    ]);
  });

  it('shows an event that took the place of one it knows, with a checkpoint over it', async () => {
    await sql(`${cutCheckpoint}; ${cutEnd('c', 1)}`);
    await append('c');
    await takeCheckpoint();
    expect(await named()).toEqual([]);
    expect(await named([file])).toEqual(['replaced c2', 'checkpoint-differs checkpoint 2']);
  });
});
