import { EVENT_STORE_MIGRATIONS } from '../src/migrate.ts';
import { PostgresEventStore } from '../src/postgres-event-store.ts';
import { describeEventStore, freshDatabase, type FreshDatabase, TEST_HISTORY_KEYS } from '../src/testing/index.ts';

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase(EVENT_STORE_MIGRATIONS);
});
afterAll(() => database.drop());

describeEventStore('PostgresEventStore', async (options) => {
  await database.pool.query('TRUNCATE events, streams, stream_snapshots');
  return new PostgresEventStore(database.pool, TEST_HISTORY_KEYS, options);
});
