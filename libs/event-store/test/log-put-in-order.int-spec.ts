import { cp, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { CheckpointWriter, verifyHistory } from '../src/audit/index.ts';
import { type AppendContext, type StreamAppend } from '../src/event-store.port.ts';
import { START } from '../src/global-position.ts';
import { EVENT_STORE_MIGRATIONS, migrate, type MigrationSet } from '../src/migrate.ts';
import { PostgresEventStore } from '../src/postgres-event-store.ts';
import { ProjectionRunner } from '../src/projection-runner.ts';
import { freshDatabase, type FreshDatabase, gate, readUntil, Tally, TEST_HISTORY_KEYS } from '../src/testing/index.ts';

const context: AppendContext = {
  recordedAt: '2026-01-02T03:04:05.678Z',
  metadata: { actor: 'ada', requestId: 'request-1' },
};
const one = (streamId: string, type = 'Counted'): StreamAppend => ({
  ...{ streamId, expectedVersion: 'any' },
  events: [{ type, schemaVersion: 1, data: { count: 1 } }],
});
const LONG_MS = 20_000;

let database: FreshDatabase;
let store: PostgresEventStore;
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'migrations-'));
  const isEarlier = (file: string) => file === EVENT_STORE_MIGRATIONS.directory || path.basename(file) < '0005';
  await cp(EVENT_STORE_MIGRATIONS.directory, directory, { recursive: true, filter: isEarlier });
  const earlier: MigrationSet = { ...EVENT_STORE_MIGRATIONS, directory };
  database = await freshDatabase(earlier);
  store = new PostgresEventStore(database.pool, TEST_HISTORY_KEYS);
  for (const name of ['a', 'b']) await Tally.createTable(database.pool, name);
});
afterEach(async () => {
  await database.drop();
  await rm(directory, { recursive: true });
});

const append = (...appended: Parameters<typeof one>) =>
  store.transact((session) => session.append(one(...appended), context));
const log = async (count: number) => {
  const events = await readUntil(
    () => store.readAll(START, 100),
    (read) => read.length >= count,
  );
  return events.map(({ streamId, streamVersion }) => `${streamId} ${streamVersion}`);
};
const audit = async () => (await verifyHistory(database.pool, TEST_HISTORY_KEYS, { files: [], faultLimit: 5 })).faults;
const takeCheckpoint = () => new CheckpointWriter(store, TEST_HISTORY_KEYS).take(Date.parse(context.recordedAt));

/** `shared 2` before `shared 1`, as earlier versions recorded it. */
async function appendOutOfOrder(): Promise<void> {
  const [hasBegun, mayGoOn] = [gate(), gate()];
  const slow = store.transact(async (session) => {
    await session.append(one('slow'), context);
    hasBegun.open();
    await mayGoOn.opened;
    await session.append(one('shared'), context);
  });
  await hasBegun.opened;
  await append('shared');
  mayGoOn.open();
  await slow;
}

/** Until it shows all there is; once more than it would take, so that a repetition shows as well. */
async function project(name: string, work: (runner: ProjectionRunner) => Promise<void> = async () => undefined) {
  const runner = new ProjectionRunner(store, [new Tally(name)], { pollMs: 10 });
  runner.start();
  expect(await runner.showsAll(name, LONG_MS)).toBe(true);
  await work(runner);
  await runner.stop();
  return (await Tally.rows(database.pool, name)).find(({ stream_id }) => stream_id === 'shared')?.told;
}

/** Of projection `a`, at a version of `shared`. */
const placeCheckpoint = (version: number) =>
  database.pool.query(
    `INSERT INTO projection_checkpoints SELECT 'a', epoch, transaction_id, sequence FROM events
     WHERE stream_id = 'shared' AND version = $1
     ON CONFLICT (name) DO UPDATE SET transaction_id = excluded.transaction_id, sequence = excluded.sequence`,
    [version],
  );

describe('a log with an event before its predecessor', () => {
  it('is put in order, and no projection loses or repeats an event', async () => {
    await append('before');
    await log(1);
    expect((await takeCheckpoint()).checkpoint?.eventCount).toBe(1);
    await appendOutOfOrder();
    await append('other', 'Noted');
    expect(await log(5)).toEqual(['before 1', 'slow 1', 'shared 2', 'shared 1', 'other 1']);
    expect(await audit()).toMatchObject([{ kind: 'predecessor-missing' }]);
    expect(await project('a')).toEqual([2, 1]);
    // Events of types that it does not want to see move a checkpoint now and then only.
    await placeCheckpoint(1);

    await migrate(database.url, EVENT_STORE_MIGRATIONS);

    expect(await log(5)).toEqual(['before 1', 'slow 1', 'shared 1', 'shared 2', 'other 1']);
    expect(await takeCheckpoint()).toMatchObject({ checkpoint: { eventCount: 5 }, fault: undefined });
    expect(await audit()).toEqual([]);
    await append('shared');
    expect(await project('a')).toEqual([2, 1, 3]);
    expect(await project('b')).toEqual([1, 2, 3]);
    expect(await project('a', (runner) => runner.rebuild('a'))).toEqual([1, 2, 3]);
  });

  it('leaves out nothing that a projection has yet to see', async () => {
    await appendOutOfOrder();
    await log(3);
    // As far as the one that stood before the other.
    await placeCheckpoint(2);
    await migrate(database.url, EVENT_STORE_MIGRATIONS);
    expect(await project('a')).toEqual([1, 2]);
  });
});
