import pg from 'pg';
import { isReadOnlyServer } from '../src/connection-failure.ts';
import { type DomainEvent } from '../src/event-store.port.ts';
import { EventStoreUnavailable } from '../src/event-store-errors.ts';
import { EVENT_STORE_MIGRATIONS } from '../src/migrate.ts';
import { PostgresEventStore } from '../src/postgres-event-store.ts';
import { freshDatabase, type FreshDatabase, TEST_HISTORY_KEYS } from '../src/testing/index.ts';

const CONNECTIONS = 5;

let database: FreshDatabase;
let pool: pg.Pool;
let store: PostgresEventStore;
/** How often the work of `append` was begun. */
let attempts: number;

/** Concerns connections that are made from now on: those of before stay as they are, as with another server. */
const newConnectionsAreReadOnly = (value: 'on' | 'off'): Promise<unknown> =>
  database.pool.query(
    `do $$ begin execute format('alter database %I set default_transaction_read_only = ${value}', current_database()); end $$`,
  );

async function append(streamId: string): Promise<void> {
  const event: DomainEvent = { type: 'Changed', schemaVersion: 1, data: {} };
  await store.transact(async (session) => {
    attempts += 1;
    const context = { recordedAt: new Date().toISOString(), metadata: { actor: 'a', requestId: 'r' } };
    await session.append({ streamId, expectedVersion: 0, events: [event] }, context);
  });
}

/** So many that are idle afterwards. */
const useAllConnections = (): Promise<unknown> =>
  Promise.all(Array.from({ length: CONNECTIONS }, () => store.query('select pg_sleep(0.05)')));

beforeEach(async () => {
  database = await freshDatabase(EVENT_STORE_MIGRATIONS);
  attempts = 0;
  await newConnectionsAreReadOnly('on');
  pool = new pg.Pool({ connectionString: database.url, max: CONNECTIONS, idleTimeoutMillis: 0, pipeline: true });
  store = new PostgresEventStore(pool, TEST_HISTORY_KEYS);
  await useAllConnections();
});
afterEach(async () => {
  await pool.end();
  await database.drop();
});

describe('a server that takes no changes', () => {
  it('is one that cannot be reached for whoever changes something: nothing was recorded; whoever reads goes on', async () => {
    const failed = await append('a').catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(EventStoreUnavailable);
    expect(failed).toMatchObject({ outcome: 'nothing-recorded' });
    expect(isReadOnlyServer(failed)).toBe(true);
    expect(attempts).toBe(2);
    expect(await store.readStream('a')).toEqual([]);
    expect(await store.takesChanges()).toBe(false);
  });

  it('is left for its successor by the change that finds out, and by all that comes after it', async () => {
    await newConnectionsAreReadOnly('off');
    await append('a');
    expect(attempts).toBe(2);
    await useAllConnections();
    const settings = await Promise.all(
      Array.from({ length: CONNECTIONS }, () =>
        store.query<{ value: string }>(`select current_setting('transaction_read_only') as value, pg_sleep(0.05)`),
      ),
    );
    expect(settings.map(([row]) => row?.value)).toEqual(Array.from({ length: CONNECTIONS }, () => 'off'));
    expect(await store.readStream('a')).toHaveLength(1);
  });

  it('is left by what others had of the pool meanwhile, too, as soon as they give it back', async () => {
    const pidOf = async (client: pg.PoolClient) =>
      (await client.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid;
    const busy = await pool.connect();
    const old = await pidOf(busy);
    await newConnectionsAreReadOnly('off');
    await append('a');
    busy.release();
    const others = await Promise.all(Array.from({ length: CONNECTIONS }, () => pool.connect()));
    expect(await Promise.all(others.map(pidOf))).not.toContain(old);
    for (const client of others) client.release();
    expect(pool.totalCount).toBe(CONNECTIONS);
    const again = await pool.connect();
    expect(await pidOf(again)).toBeDefined();
    again.release();
  });

  it('is left once somebody asked whether it takes changes', async () => {
    await newConnectionsAreReadOnly('off');
    expect(await store.takesChanges()).toBe(false);
    expect(await store.takesChanges()).toBe(true);
    await append('a');
    expect(attempts).toBe(1);
  });
});
