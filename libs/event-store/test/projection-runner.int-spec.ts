import { ProjectionUnknown } from '../src/event-store-errors.ts';
import { type AppendContext, type DomainEvent, type RecordedEvent } from '../src/event-store.port.ts';
import { type GlobalPosition, START } from '../src/global-position.ts';
import { EVENT_STORE_MIGRATIONS } from '../src/migrate.ts';
import { PostgresEventStore } from '../src/postgres-event-store.ts';
import { ProjectionRunner, type ProjectionRunnerOptions } from '../src/projection-runner.ts';
import { freshDatabase, type FreshDatabase, gate, readUntil, Tally, TEST_HISTORY_KEYS } from '../src/testing/index.ts';

const context: AppendContext = {
  recordedAt: '2026-01-02T03:04:05.678Z',
  metadata: { actor: 'ada', requestId: 'request-1' },
};
const LONG_MS = 20_000;

let database: FreshDatabase;
let store: PostgresEventStore;
let runners: ProjectionRunner[];
beforeEach(async () => {
  database = await freshDatabase(EVENT_STORE_MIGRATIONS);
  store = new PostgresEventStore(database.pool, TEST_HISTORY_KEYS);
  runners = [];
  for (const name of ['a', 'b', 'good', 'bad']) {
    await Tally.createTable(database.pool, name);
  }
});
afterEach(async () => {
  await Promise.all(runners.map((each) => each.stop()));
  await database.drop();
});

const runner = (tallies: readonly Tally[], options: ProjectionRunnerOptions = {}) => {
  const made = new ProjectionRunner(store, tallies, { pollMs: 10, ...options });
  runners.push(made);
  return made;
};
const append = async (streamId: string, ...counts: number[]): Promise<GlobalPosition> => {
  const events: DomainEvent[] = counts.map((count) => ({ type: 'Counted', schemaVersion: 1, data: { count } }));
  const { position } = await store.transact((s) => s.append({ streamId, expectedVersion: 'any', events }, context));
  return position ?? START;
};
const model = (projection: string) => Tally.rows(database.pool, projection);
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
const fails = () => {
  throw new Error('refused');
};

describe('ProjectionRunner', () => {
  it('applies what it wants to see in order, passes by the rest, and says when it has got there', async () => {
    const live = runner([new Tally('a'), new Tally('b')]);
    await append('s', 1, 2);
    live.start();
    await store.transact((session) =>
      session.append(
        { streamId: 's', expectedVersion: 2, events: [{ type: 'Other', schemaVersion: 1, data: {} }] },
        context,
      ),
    );
    const position = await append('s', 3);
    expect(await live.waitUntil(position, LONG_MS)).toBe(true);
    expect(await live.waitUntil(START, 0)).toBe(true);
    for (const name of ['a', 'b']) {
      expect(await model(name)).toEqual([{ stream_id: 's', total: 6, told: [1, 2, 4] }]);
    }
  });

  it('looks at once when it is woken, long before the next poll', async () => {
    const live = runner([new Tally('a')], { pollMs: LONG_MS * 10 });
    live.start();
    for (const told of [[1], [1, 2]]) {
      await append('s', 1);
      const rows = await readUntil(
        () => {
          live.wake();
          return model('a');
        },
        ([row]) => row?.total === told.length,
      );
      expect(rows).toMatchObject([{ told }]);
    }
  });

  it('says so when a position is not reached in time', async () => {
    const tally = new Tally('a');
    const mayGoOn = gate();
    tally.before = () => mayGoOn.opened;
    const live = runner([tally]);
    live.start();
    const position = await append('s', 1);
    expect(await live.waitUntil(position, 50)).toBe(false);
    mayGoOn.open();
    expect(await live.waitUntil(position, LONG_MS)).toBe(true);
  });

  it('applies each event once when two runners, and a third that starts later, share a projection', async () => {
    const [first, second, third] = [0, 1, 2].map(() => runner([new Tally('a')], { batchSize: 3 }));
    first?.start();
    second?.start();
    let position = START;
    for (let round = 0; round < 40; round += 1) {
      position = await append(`s${round % 3}`, 1, 1);
      if (round === 20) third?.start();
      if (round % 4 === 0) for (const each of runners) each.wake();
    }
    for (const each of runners) expect(await each.waitUntil(position, LONG_MS)).toBe(true);
    const rows = await model('a');
    expect(rows.map((row) => row.total).reduce((sum, total) => sum + total, 0)).toBe(80);
    for (const { told } of rows) expect(told).toEqual(upTo(told.length));
  });

  it('waits on stop for the batch in hand, and goes on from there when started again', async () => {
    const tally = new Tally('a');
    const isApplying = gate();
    const mayGoOn = gate();
    tally.before = async () => {
      isApplying.open();
      await mayGoOn.opened;
    };
    const live = runner([tally]);
    live.start();
    await append('s', 1, 2);
    await isApplying.opened;
    let hasStopped = false;
    const stopped = live.stop().then(() => {
      hasStopped = true;
    });
    expect(await model('a')).toEqual([]);
    expect(hasStopped).toBe(false);
    mayGoOn.open();
    await stopped;
    expect(await model('a')).toMatchObject([{ told: [1, 2] }]);
    live.start();
    expect(await live.waitUntil(await append('s', 3), LONG_MS)).toBe(true);
    expect(await model('a')).toMatchObject([{ told: [1, 2, 3] }]);
  });

  it('goes back when the database has lost the last batches together with their checkpoint', async () => {
    const live = runner([new Tally('a')]);
    live.start();
    await live.waitUntil(await append('s', 1, 2), LONG_MS);
    // As when the database crashes and loses the last batches, together with their checkpoints.
    await store.transact(async ({ transaction }) => {
      await transaction.query(`UPDATE projection_checkpoints SET epoch = 0, transaction_id = '0', sequence = 0`);
      await transaction.query('DELETE FROM tally_a');
    });
    await readUntil(
      () => model('a'),
      ([row]) => row?.total === 3,
    );
  });

  it('counts how far each projection is behind', async () => {
    const idle = runner([new Tally('a'), new Tally('b')]);
    await append('s', 1, 2, 3);
    const behind = await readUntil(
      () => idle.rebuild('b').then(() => idle.lag()),
      ([, b]) => b?.eventsBehind === 0,
    );
    expect(behind).toMatchObject([
      { projection: 'a', checkpoint: START, eventsBehind: 3, isFailing: false },
      { projection: 'b', eventsBehind: 0, isFailing: false },
    ]);
  });

  it('leaves foreign events in the database: they move no checkpoint, until there are many', async () => {
    const live = runner([new Tally('a')], { batchSize: 3 });
    live.start();
    const foreign = (count: number) =>
      store.transact((session) => {
        const events = Array.from({ length: count }, () => ({ type: 'Other', schemaVersion: 1, data: {} }));
        return session.append({ streamId: 'foreign', expectedVersion: 'any', events }, context);
      });
    const checkpoints = async () => (await database.pool.query<object>('SELECT * FROM projection_checkpoints')).rows;
    for (const count of [1, 1])
      expect(await live.waitUntil((await foreign(count)).position ?? START, LONG_MS)).toBe(true);
    expect(await checkpoints()).toEqual([]);
    expect(await live.showsAll('a', LONG_MS)).toBe(true);
    expect((await live.lag())[0]).toMatchObject({ eventsBehind: 0 });
    expect(await live.waitUntil((await foreign(1)).position ?? START, LONG_MS)).toBe(true);
    expect(await checkpoints()).toMatchObject([{ name: 'a' }]);
    await append('s', 1);
    expect(await live.showsAll('a', LONG_MS)).toBe(true);
    expect(await model('a')).toMatchObject([{ told: [1] }]);
  });

  it('fetches events of old types that become one it wants', async () => {
    const upcasters = new Map([
      ['Tallied@1', (event: RecordedEvent) => ({ ...event, type: 'Counted', data: { count: event.data as number } })],
      ['Other@1', (event: RecordedEvent) => ({ ...event, schemaVersion: 2 })],
    ]);
    const upcasting = new PostgresEventStore(database.pool, TEST_HISTORY_KEYS, { upcasters });
    const live = new ProjectionRunner(upcasting, [new Tally('a')], { pollMs: 10 });
    runners.push(live);
    live.start();
    const types = ['Other', 'Tallied', 'Counted'];
    const events = types.map((type) => ({ type, schemaVersion: 1, data: type === 'Counted' ? { count: 2 } : 1 }));
    await store.transact((session) => session.append({ streamId: 's', expectedVersion: 0, events }, context));
    expect(await live.showsAll('a', LONG_MS)).toBe(true);
    expect(await model('a')).toEqual([{ stream_id: 's', total: 3, told: [2, 3] }]);
  });

  it('shows what another process appended before the question, also while it has yet to look', async () => {
    const live = runner([new Tally('a')], { pollMs: LONG_MS * 10 });
    const other = runner([new Tally('a')], { pollMs: LONG_MS * 10 });
    live.start();
    other.start();
    for (let round = 1; round <= 20; round += 1) {
      await append('s', 1);
      expect(await (round % 2 === 0 ? live : other).showsAll('a', LONG_MS)).toBe(true);
      expect((await model('a'))[0]?.told).toEqual(upTo(round));
    }
    const stuck = runner([new Tally('b')]);
    expect(await stuck.showsAll('b', 20)).toBe(false);
    await expect(live.showsAll('b', 20)).rejects.toBeInstanceOf(ProjectionUnknown);
  });

  it('waits for an older transaction that is still running, and no longer', async () => {
    const live = runner([new Tally('a')], { pollMs: LONG_MS * 10 });
    live.start();
    const slow = await database.pool.connect();
    await slow.query('BEGIN');
    await slow.query('SELECT pg_current_xact_id()');
    await append('s', 1);
    expect(await live.showsAll('a', 50)).toBe(false);
    const shown = live.showsAll('a', LONG_MS);
    // Meanwhile it looks, and finds nothing yet.
    for (let round = 0; round < 10; round += 1) await append('s', 1);
    await slow.query('COMMIT');
    slow.release();
    expect(await shown).toBe(true);
    expect((await model('a'))[0]?.told).toContain(1);
  });

  it('lets nobody wait as long again while nothing has moved, and everybody once it moves', async () => {
    const live = runner([new Tally('a')]);
    live.start();
    const slow = await database.pool.connect();
    await slow.query('BEGIN');
    await slow.query('SELECT pg_current_xact_id()');
    await append('s', 1);
    expect(await live.showsAll('a', 1_000)).toBe(false);
    const other = runner([new Tally('a')]);
    other.start();
    const asked = [other.showsAll('a', 500).then(() => other), live.showsAll('a', 1_000).then(() => live)];
    expect(await Promise.race(asked)).toBe(live);
    await Promise.all(asked);
    await slow.query('COMMIT');
    slow.release();
    expect(await live.showsAll('a', LONG_MS)).toBe(true);
    expect(await model('a')).toMatchObject([{ told: [1] }]);
  });
});

describe('a projection that throws', () => {
  it('is reported and retried from the event it refuses, while the others go on; then nothing is missing', async () => {
    const [good, bad] = [new Tally('good'), new Tally('bad')];
    bad.before = (event) => (event.streamVersion === 4 ? fails() : undefined);
    const hasFailedTwice = gate();
    const errors: unknown[] = [];
    const onError = (projection: string, error: unknown) => {
      errors.push([projection, (error as Error).message]);
      if (errors.length === 2) hasFailedTwice.open();
    };
    const recovered: string[] = [];
    const onRecovered = (projection: string) => void recovered.push(projection);
    const live = runner([good, bad], { onError, onRecovered, maxBackoffMs: 20 });
    const position = await append('s', ...upTo(6));
    live.start();
    await hasFailedTwice.opened;
    expect(errors.slice(0, 2)).toEqual([
      ['bad', 'refused'],
      ['bad', 'refused'],
    ]);
    expect(await model('bad')).toMatchObject([{ told: [1, 2, 3] }]);
    await readUntil(
      () => model('good'),
      ([row]) => row?.total === 21,
    );
    expect((await live.lag()).map(({ projection, isFailing }) => [projection, isFailing])).toEqual([
      ['good', false],
      ['bad', true],
    ]);
    expect(recovered).toEqual([]);

    bad.before = () => undefined;
    expect(await live.waitUntil(position, LONG_MS)).toBe(true);
    expect(await model('bad')).toEqual([{ stream_id: 's', total: 21, told: upTo(6) }]);
    expect(await model('good')).toEqual([{ stream_id: 's', total: 21, told: upTo(6) }]);
    expect(recovered).toEqual(['bad']);
  });

  it('keeps to its growing pauses even when it is woken', async () => {
    const bad = new Tally('bad');
    bad.before = fails;
    let failures = 0;
    const onError = () => {
      failures += 1;
    };
    const live = runner([bad], { onError, pollMs: LONG_MS * 10, maxBackoffMs: LONG_MS * 10 });
    await append('s', 1);
    live.start();
    await readUntil(
      () => {
        live.wake();
        return live.lag();
      },
      ([lag]) => lag?.isFailing === true,
    );
    for (let round = 0; round < 20; round += 1) {
      live.wake();
      await live.lag();
    }
    expect(failures).toBe(1);
  });

  it('applies a batch once although the connection is lost in the middle of it', async () => {
    const tally = new Tally('a');
    let cuts = 0;
    tally.before = async (event, transaction) => {
      if (event.streamVersion !== 3 || cuts >= 2) return;
      cuts += 1;
      await transaction.query('SELECT pg_terminate_backend(pg_backend_pid())');
    };
    const live = runner([tally]);
    const position = await append('s', ...upTo(5));
    live.start();
    expect(await live.waitUntil(position, LONG_MS)).toBe(true);
    expect(cuts).toBe(2);
    expect(await model('a')).toEqual([{ stream_id: 's', total: 15, told: upTo(5) }]);
  });
});
