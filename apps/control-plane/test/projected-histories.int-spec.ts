import fc from 'fast-check';
import { EVENT_STORE_MIGRATIONS, PostgresEventStore, ProjectionRunner } from '#libs/event-store';
import { freshDatabase, type FreshDatabase, TEST_HISTORY_KEYS } from '#libs/event-store/testing';
import { CONTROL_PLANE_MIGRATIONS } from '../src/persistence/control-plane-migrations.ts';
import { PROJECTIONS, UPCASTERS } from '../src/slices.ts';
import { randomLogs, type RandomLog } from './testing/random-logs.ts';

const LONG_MS = 20_000;
const KEYS = {
  ...{ read_projects: 'project_id', read_environments: 'environment_id', read_key_set_orders: 'environment_id' },
  ...{ read_credentials: 'credential_id', read_api_proxies: 'proxy_id' },
  ...{ read_token_revocations: 'environment_id', read_login_lives: 'owner_id' },
} as const;
const TABLES = Object.keys(KEYS) as (keyof typeof KEYS)[];
const CONTEXT = { recordedAt: '2026-01-02T03:04:05.678Z', metadata: { actor: 'ada', requestId: 'request-1' } };

let database: FreshDatabase;
let store: PostgresEventStore;
beforeAll(async () => {
  database = await freshDatabase(EVENT_STORE_MIGRATIONS, CONTROL_PLANE_MIGRATIONS);
  store = new PostgresEventStore(database.pool, TEST_HISTORY_KEYS, { upcasters: UPCASTERS });
});
afterAll(() => database.drop());

async function rowsOf(table: keyof typeof KEYS): Promise<ReadonlyMap<string, Record<string, unknown>>> {
  const { rows } = await database.pool.query<Record<string, unknown>>(`select * from ${table}`);
  // As JSON, so that times are texts.
  const plain = JSON.parse(JSON.stringify(rows)) as typeof rows;
  return new Map(plain.map((row) => [String(row[KEYS[table]]), row]));
}

const allRows = async () => Promise.all(TABLES.map(async (table) => [...(await rowsOf(table))].sort()));

async function appendAll({ appends }: RandomLog): Promise<void> {
  for (const { streamId, events } of appends) {
    await store.transact((session) => session.append({ streamId, expectedVersion: 'any', events }, CONTEXT));
  }
}

/** Applies the log with two runners at once, as two processes do. */
async function project(log: RandomLog, batchSizes: readonly number[]): Promise<void> {
  const runners = batchSizes.map((batchSize) => new ProjectionRunner(store, PROJECTIONS, { pollMs: 5, batchSize }));
  for (const runner of runners) runner.start();
  try {
    await appendAll(log);
    for (const runner of runners) {
      for (const { name } of PROJECTIONS) expect(await runner.showsAll(name, LONG_MS)).toBe(true);
    }
  } finally {
    await Promise.all(runners.map((runner) => runner.stop()));
  }
}

async function expectShown({ lives }: RandomLog): Promise<void> {
  for (const table of TABLES) {
    const shown = await rowsOf(table);
    for (const { streamId, row } of lives.filter((life) => life.table === table)) {
      expect(shown.get(streamId.slice(streamId.indexOf('-') + 1))).toEqual(row);
    }
  }
}

const batchSize = fc.constantFrom(1, 2, 3, 7, 50, 1_000);

describe('read models of random histories', () => {
  it('show what the aggregates came to, whatever the batches, and are the same when they are rebuilt', async () => {
    const sizes = fc.tuple(batchSize, batchSize);
    await fc.assert(
      fc.asyncProperty(randomLogs, sizes, batchSize, async (log, liveSizes, rebuildSize) => {
        await project(log, liveSizes);
        await expectShown(log);
        const live = await allRows();
        const rebuilder = new ProjectionRunner(store, PROJECTIONS, { batchSize: rebuildSize });
        for (const { name, tables } of PROJECTIONS) {
          // What a rebuild does not write again would be missing.
          for (const table of tables) await database.pool.query(`delete from ${table}`);
          await rebuilder.rebuild(name);
        }
        expect(await allRows()).toEqual(live);
      }),
      { numRuns: 12, endOnFailure: true },
    );
  }, 120_000);
});
