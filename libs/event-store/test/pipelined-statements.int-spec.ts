import { EVENT_STORE_MIGRATIONS } from '../src/migrate.ts';
import { PostgresEventStore } from '../src/index.ts';
import { freshDatabase, type FreshDatabase, TEST_HISTORY_KEYS } from '../src/testing/index.ts';

let database: FreshDatabase;
let store: PostgresEventStore;

beforeAll(async () => {
  database = await freshDatabase(EVENT_STORE_MIGRATIONS);
  store = new PostgresEventStore(database.pool, TEST_HISTORY_KEYS);
  await database.pool.query('create table kept (number integer)');
});
afterAll(() => database.drop());

describe('statements that are sent behind one that fails', () => {
  /** @param codes of the failures, one for each time that it is done; nothing fails after them. */
  const change = (...codes: string[]) =>
    store.transact(async ({ transaction }) => {
      const code = codes.shift();
      const raise = `raise exception 'the reason' using errcode = '${code ?? ''}'`;
      const before = transaction.query('insert into kept values (1)');
      const failing = transaction.query(`do $$ begin ${code === undefined ? 'null' : raise}; end $$`);
      const behind = transaction.query('insert into kept values (2)');
      failing.catch(() => undefined);
      // In the order in which a change happens to hear of them.
      return [await behind, await failing, await before];
    });
  const kept = async () => (await database.pool.query<object>('select number from kept order by number')).rows;

  it('are not what the change is said to fail of', async () => {
    await expect(change('22012')).rejects.toMatchObject({ code: '22012', message: 'the reason' });
    expect(await kept()).toEqual([]);
  });

  it('are done again with it where that may help', async () => {
    await change('40P01', '40001');
    expect(await kept()).toEqual([{ number: 1 }, { number: 2 }]);
  });
});
