import type pg from 'pg';
import { EVENT_STORE_MIGRATIONS } from '#libs/event-store';
import { freshDatabase, type FreshDatabase } from '#libs/event-store/testing';
import {
  endWish,
  openWishes,
  wishAllIdentities,
  wishIdentity,
  wishKeySetOrders,
} from '../src/channel-upkeep/identity-wishes.ts';
import { CONTROL_PLANE_MIGRATIONS } from '../src/persistence/control-plane-migrations.ts';
import { waitedFor } from './testing/open-transactions.ts';

const ALICE = { kind: 'credential', subject: 'alice', entityId: 'a1' } as const;

let database: FreshDatabase;
beforeEach(async () => {
  database = await freshDatabase(EVENT_STORE_MIGRATIONS, CONTROL_PLANE_MIGRATIONS);
});
afterEach(() => database.drop());

const environment = (id: string) => database.pool.query(`insert into names values ('environment', '', $1, $1)`, [id]);
async function transaction(): Promise<{ client: pg.PoolClient; commit: () => Promise<void> }> {
  const client = await database.pool.connect();
  await client.query('begin');
  const commit = async (): Promise<void> => {
    await client.query('commit');
    client.release();
  };
  return { client, commit };
}

describe('the wish that an environment hears of a user', () => {
  it('has versions that rise in the order in which changes are recorded', async () => {
    await environment('e');
    const [first, second] = [await transaction(), await transaction()];
    await wishIdentity(first.client, ALICE);
    const waiting = wishIdentity(second.client, ALICE);
    await waitedFor(first.client);
    // Whatever takes a number meanwhile: the one who waits gets a later one than all of them.
    const taken = await first.client.query<{ version: string }>(`select nextval('identity_versions') as version`);
    await first.commit();
    await waiting;
    await second.commit();
    const [wish] = await openWishes(database.pool, 'e', 10);
    expect(wish?.version).toBeGreaterThan(Number(taken.rows[0]?.version));
  });

  it('comes to an environment that is created while the user is changed', async () => {
    const change = await transaction();
    await change.client.query(`insert into names values ('credential', '', 'alice', 'a1')`);
    await wishIdentity(change.client, ALICE);
    await environment('new');
    const upkeep = await transaction();
    const everybody = wishAllIdentities(upkeep.client, 'new');
    await waitedFor(change.client);
    await change.commit();
    await everybody;
    await upkeep.commit();
    expect(await openWishes(database.pool, 'new', 10)).toMatchObject([ALICE]);
  });

  it('comes to an environment that heard of everybody before', async () => {
    await environment('e');
    await wishAllIdentities(database.pool, 'e');
    await wishIdentity(database.pool, ALICE);
    const [wish] = await openWishes(database.pool, 'e', 10);
    if (wish === undefined) throw new Error('there is no wish');
    await wishIdentity(database.pool, ALICE);
    await endWish(database.pool, 'e', wish);
    const [renewed] = await openWishes(database.pool, 'e', 10);
    expect(renewed?.version).toBeGreaterThan(wish.version);
  });
});

describe('the wish that an environment is told its orders', () => {
  it('comes before those of users, again once it was told, and only where there are orders', async () => {
    for (const id of ['ordered', 'other']) await environment(id);
    await wishIdentity(database.pool, ALICE);
    const version = await wishKeySetOrders(database.pool, 'ordered');
    const [wish] = await openWishes(database.pool, 'ordered', 10);
    if (wish === undefined) throw new Error('there is no wish');
    expect(wish).toEqual({ kind: 'orders', subject: 'key-sets', entityId: 'ordered', version });
    expect(await wishKeySetOrders(database.pool, 'ordered')).toBeGreaterThan(version);
    const [renewed] = await openWishes(database.pool, 'ordered', 10);
    await endWish(database.pool, 'ordered', renewed ?? wish);
    for (const id of ['ordered', 'other']) await wishAllIdentities(database.pool, id);
    const kinds = async (id: string) => (await openWishes(database.pool, id, 10)).map(({ kind }) => kind);
    expect([await kinds('ordered'), await kinds('other')]).toEqual([['orders', 'credential'], ['credential']]);
  });
});
