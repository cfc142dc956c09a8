import { createPublicKey, verify } from 'node:crypto';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { canonicalJson } from '#libs/canonical-json';
import {
  type Checkpoint,
  CheckpointFollower,
  CheckpointSeal,
  CheckpointWriter,
  readCheckpoints,
  verifyHistory,
} from '../src/audit/index.ts';
import { EVENT_STORE_MIGRATIONS } from '../src/migrate.ts';
import { PostgresEventStore } from '../src/postgres-event-store.ts';
import { freshDatabase, type FreshDatabase, gate, TEST_HISTORY_KEYS, wholeLogReadable } from '../src/testing/index.ts';

const context = { recordedAt: '2026-01-02T03:04:05.678Z', metadata: { actor: 'ada', requestId: 'request-1' } };
const NOW_MS = Date.parse('2026-01-02T03:05:00.000Z');

let database: FreshDatabase;
let store: PostgresEventStore;
let writer: CheckpointWriter;
let directory: string;
let file: string;

const sql = (text: string) => database.pool.query(text);
const counted = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ type: 'Counted', schemaVersion: 1, data: { index } }));
const append = (streamId: string, count = 1) =>
  store.transact((session) => session.append({ streamId, expectedVersion: 'any', events: counted(count) }, context));
const take = async (by = writer) => {
  await wholeLogReadable(database.pool);
  return by.take(NOW_MS);
};
const stored = () => readCheckpoints((text, values) => store.query(text, values), 0, 100);
const follower = () => new CheckpointFollower(store, TEST_HISTORY_KEYS, file);
const linesOf = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Checkpoint);
const numbersIn = () => linesOf(readFileSync(file, 'utf8')).map(({ number }) => number);
const verifyAll = () => verifyHistory(database.pool, TEST_HISTORY_KEYS, { files: [file], faultLimit: 5 });

beforeAll(async () => {
  database = await freshDatabase(EVENT_STORE_MIGRATIONS);
  directory = mkdtempSync(path.join(tmpdir(), 'gatewarden-checkpoints-'));
  file = path.join(directory, 'made', 'checkpoints.jsonl');
});
beforeEach(async () => {
  await sql('TRUNCATE events, streams, history_checkpoints, history_checkpoint_heads');
  rmSync(file, { force: true });
  store = new PostgresEventStore(database.pool, TEST_HISTORY_KEYS);
  writer = new CheckpointWriter(store, TEST_HISTORY_KEYS);
});
afterAll(async () => {
  await database.drop();
  rmSync(directory, { recursive: true });
});

describe('a checkpoint', () => {
  it('is not taken of nothing, nor of what one covers already', async () => {
    expect(await take()).toMatchObject({ checkpoint: undefined, fault: undefined });
    await append('a');
    expect((await take()).checkpoint).toMatchObject({ number: 1, eventCount: 1, previous: null });
    expect(await take()).toMatchObject({ checkpoint: undefined, fault: undefined });
  });

  it('says where the streams ended that went on, and where in the log their events stand', async () => {
    await append('b', 2);
    await append('a');
    await append('b');
    await take();
    await append('a');
    const { checkpoint } = await take();
    const [first, second] = await stored();
    expect(first?.heads).toMatchObject([
      { streamId: 'a', version: 1, places: [3] },
      { streamId: 'b', version: 3, places: [1, 2, 4] },
    ]);
    expect(second).toEqual(checkpoint);
    expect(second).toMatchObject({ number: 2, eventCount: 5, takenAt: '2026-01-02T03:05:00.000Z' });
    expect(second?.heads).toMatchObject([{ streamId: 'a', version: 2, places: [5] }]);
  });

  it('can be checked by whoever has the public key alone', async () => {
    await append('a');
    const { checkpoint } = await take();
    const { signature, ...signed } = checkpoint!;
    const publicKey = createPublicKey(new CheckpointSeal(TEST_HISTORY_KEYS).publicKeyPem);
    const isSigned = (value: unknown) =>
      verify(null, Buffer.from(canonicalJson(value), 'utf8'), publicKey, Buffer.from(signature, 'hex'));
    expect(isSigned(signed)).toBe(true);
    expect(isSigned({ ...signed, eventCount: 2 })).toBe(false);
  });

  it('waits for a slow transaction, and for everything behind it', async () => {
    const hasAppended = gate();
    const mayEnd = gate();
    const slow = store.transact(async (session) => {
      await session.append({ streamId: 'slow', expectedVersion: 0, events: counted(1) }, context);
      hasAppended.open();
      await mayEnd.opened;
    });
    await hasAppended.opened;
    await append('fast');
    expect((await writer.take(NOW_MS)).checkpoint).toBeUndefined();
    // Reading the whole log does not need to wait.
    expect(await verifyAll()).toMatchObject({ events: 1, onlyChained: 1, faultCount: 0 });
    mayEnd.open();
    await slow;
    expect((await take()).checkpoint?.eventCount).toBe(2);
  });

  it('is taken by one of many processes at a time, without gaps', async () => {
    const writers = Array.from({ length: 5 }, () => new CheckpointWriter(store, TEST_HISTORY_KEYS));
    for (let round = 0; round < 5; round += 1) {
      await append('a');
      const taken = await Promise.all(writers.map((one) => take(one)));
      expect(taken.filter(({ checkpoint }) => checkpoint !== undefined)).toHaveLength(1);
    }
    expect((await stored()).map(({ number }) => number)).toEqual([1, 2, 3, 4, 5]);
    expect(await verifyAll()).toMatchObject({ faultCount: 0 });
  });

  it('covers a long log in several steps', async () => {
    for (let round = 0; round < 11; round += 1) await append(`s${round % 3}`, 200);
    expect(await take()).toMatchObject({ isBehind: true, checkpoint: { eventCount: 2_000 } });
    expect(await take()).toMatchObject({ isBehind: false, checkpoint: { eventCount: 2_200 } });
    expect(await verifyAll()).toMatchObject({ events: 2_200, faultCount: 0, onlyChained: 0 });
  });
});

describe('an event that is not as it was recorded, met by a checkpoint', () => {
  const forge = () => sql(`UPDATE events SET data = '{}' WHERE stream_id = 'b' AND version = 1`);
  const named = { kind: 'changed', event: { streamId: 'b', version: 1, type: 'Counted' } };

  it('is named, and what stands before it is signed for, but nothing behind it, however often it is tried', async () => {
    for (const streamId of ['a', 'b', 'c']) await append(streamId);
    await forge();
    expect(await take()).toMatchObject({ checkpoint: { eventCount: 1 }, fault: named });
    expect(await take()).toMatchObject({ checkpoint: undefined, fault: named });
    await append('d');
    expect(await take()).toMatchObject({ checkpoint: undefined, fault: named });
  });

  it('is signed for again when it is put back', async () => {
    for (const streamId of ['a', 'b', 'c']) await append(streamId);
    const { rows } = await database.pool.query<{ data: unknown }>(`SELECT data FROM events WHERE stream_id = 'b'`);
    await forge();
    await take();
    await database.pool.query(`UPDATE events SET data = $1 WHERE stream_id = 'b'`, [JSON.stringify(rows[0]?.data)]);
    expect(await take()).toMatchObject({ checkpoint: { number: 2, eventCount: 3 }, fault: undefined });
  });

  it('may be one that continues a stream whose anchored end was cut off', async () => {
    await append('a', 3);
    await take();
    await sql(`DELETE FROM events WHERE version = 3`);
    await sql(`UPDATE streams SET version = 2, mac = (SELECT mac FROM events WHERE version = 2)`);
    await append('a');
    expect(await take()).toMatchObject({
      checkpoint: undefined,
      fault: { kind: 'out-of-order', event: { version: 3 } },
    });
  });

  it('may be a checkpoint: none is taken after one that was changed', async () => {
    await append('a');
    await take();
    await sql('UPDATE history_checkpoints SET event_count = 0');
    await append('a');
    expect(await take()).toMatchObject({
      checkpoint: undefined,
      fault: { kind: 'checkpoint-not-genuine', checkpoint: 1 },
    });
  });
});

describe('the file of checkpoints', () => {
  const takeNext = async () => {
    await append('a');
    await take();
  };

  it('is made with the first one, and gets those of other processes as well', async () => {
    const one = follower();
    await one.follow();
    expect(existsSync(file)).toBe(false);
    await takeNext();
    await takeNext();
    await one.follow();
    await takeNext();
    await one.follow();
    expect(await one.follow()).toEqual({ lost: 0, highestLost: undefined, unreadable: 0 });
    expect(linesOf(readFileSync(file, 'utf8'))).toEqual(await stored());
  });

  it('gets what was taken while nobody followed, more than is read at once', async () => {
    await takeNext();
    await follower().follow();
    for (let round = 0; round < 45; round += 1) await takeNext();
    await follower().follow();
    expect(numbersIn()).toEqual(Array.from({ length: 46 }, (_, index) => index + 1));
  });

  it('begins a new line after one that a crash has torn, and writes that checkpoint again', async () => {
    await takeNext();
    await takeNext();
    await follower().follow();
    const whole = readFileSync(file, 'utf8');
    writeFileSync(file, whole.slice(0, -100));
    expect(await follower().follow()).toEqual({ lost: 0, highestLost: undefined, unreadable: 1 });
    const lines = readFileSync(file, 'utf8').split('\n');
    expect(`${lines[0]}\n${lines[2]}\n`).toBe(whole);
    expect(await verifyAll()).toMatchObject({ faultCount: 0, files: [{ checkpoints: 2, torn: 1 }] });
    await follower().follow();
    expect(readFileSync(file, 'utf8').split('\n')).toEqual(lines);
  });

  it('is whole again when only its last line break was lost', async () => {
    await takeNext();
    await follower().follow();
    writeFileSync(file, readFileSync(file, 'utf8').trimEnd());
    await takeNext();
    await follower().follow();
    expect(numbersIn()).toEqual([1, 2]);
  });

  it('is written anew, all of it, when somebody moves it away', async () => {
    const one = follower();
    await takeNext();
    await one.follow();
    renameSync(file, `${file}.1`);
    await takeNext();
    await one.follow();
    expect(numbersIn()).toEqual([1, 2]);
  });

  it('is filled again, with all of it, when somebody empties it', async () => {
    const one = follower();
    await takeNext();
    await one.follow();
    writeFileSync(file, '');
    await takeNext();
    await one.follow();
    expect(numbersIn()).toEqual([1, 2]);
  });

  it('is named when it cannot be read, and the database is not blamed for it', async () => {
    const files = [path.dirname(file)];
    await expect(verifyHistory(database.pool, TEST_HISTORY_KEYS, { files, faultLimit: 5 })).rejects.toMatchObject({
      ...{ code: 'EISDIR', path: files[0] },
      message: expect.stringContaining(files[0] ?? '') as unknown,
    });
  });

  const cutTo = (number: number) =>
    sql(
      `DELETE FROM history_checkpoint_heads WHERE number > ${number}; DELETE FROM history_checkpoints WHERE number > ${number}`,
    );

  it('knows what the database lost, at the start and while it is followed, and goes on with what comes', async () => {
    const running = follower();
    for (let round = 0; round < 3; round += 1) await takeNext();
    await running.follow();
    await cutTo(1);
    const state = { lost: 2, highestLost: 3, unreadable: 0 };
    expect(await running.follow()).toEqual(state);
    expect(await follower().follow()).toEqual(state);
    expect(numbersIn()).toEqual([1, 2, 3]);
    await append('b');
    await take();
    expect(await running.follow()).toEqual(state);
    expect(numbersIn()).toEqual([1, 2, 3, 2]);
    expect(await follower().follow()).toEqual(state);
    expect(numbersIn()).toEqual([1, 2, 3, 2]);
    expect((await verifyAll()).faults.map(({ kind }) => kind)).toEqual(['checkpoint-missing', 'checkpoint-differs']);
  });

  it('has lines that somebody changed: they count as unreadable, and verification names them', async () => {
    await takeNext();
    await takeNext();
    await follower().follow();
    const [first, second] = readFileSync(file, 'utf8').trimEnd().split('\n');
    writeFileSync(file, `${first?.replace('"eventCount":1', '"eventCount":0')}\n${second}\n`);
    appendFileSync(file, '{"kind":"something else"}\n');
    expect(await follower().follow()).toEqual({ lost: 0, highestLost: undefined, unreadable: 2 });
    expect((await verifyAll()).faults).toMatchObject([
      { kind: 'checkpoint-not-genuine', problem: expect.stringContaining('line 1 of') as unknown },
      { kind: 'checkpoint-not-genuine', problem: expect.stringContaining('line 3 of') as unknown },
    ]);
  });
});
