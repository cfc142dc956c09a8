import { ProjectionUnknown } from '../src/event-store-errors.ts';
import { type AppendContext, type DomainEvent, type RecordedEvent } from '../src/event-store.port.ts';
import { type GlobalPosition, START } from '../src/global-position.ts';
import { EVENT_STORE_MIGRATIONS } from '../src/migrate.ts';
import { PostgresEventStore } from '../src/postgres-event-store.ts';
import { type PostgresTransaction } from '../src/postgres-session.ts';
import { ProjectionRunner, type ProjectionRunnerOptions } from '../src/projection-runner.ts';
import { type Projection } from '../src/projection.port.ts';
import { freshDatabase, type FreshDatabase, gate, readUntil, TEST_HISTORY_KEYS } from '../src/testing/index.ts';

const context: AppendContext = {
  recordedAt: '2026-01-02T03:04:05.678Z',
  metadata: { actor: 'ada', requestId: 'request-1' },
};
const LONG_MS = 20_000;

/** Adds up, and keeps the order it was told in: an event missed, repeated or out of place shows. */
class Tally implements Projection<PostgresTransaction> {
  readonly eventTypes = new Set(['Counted']);
  /** Throws or waits before an event is applied. */
  before: (event: RecordedEvent, transaction: PostgresTransaction) => Promise<void> | void = () => undefined;

  constructor(readonly name: string) {}

  async apply(transaction: PostgresTransaction, event: RecordedEvent): Promise<void> {
    await this.before(event, transaction);
    await transaction.query(
      `INSERT INTO tallies (projection, stream_id, total, told) VALUES ($1, $2, $3, ARRAY[$4::integer])
       ON CONFLICT (projection, stream_id) DO UPDATE SET total = tallies.total + $3, told = tallies.told || $4::integer`,
      [this.name, event.streamId, (event.data as { count: number }).count, event.streamVersion],
    );
  }

  async reset(transaction: PostgresTransaction): Promise<void> {
    await transaction.query('DELETE FROM tallies WHERE projection = $1', [this.name]);
  }
}

let database: FreshDatabase;
let store: PostgresEventStore;
let runners: ProjectionRunner[];
beforeEach(async () => {
  database = await freshDatabase(EVENT_STORE_MIGRATIONS);
  store = new PostgresEventStore(database.pool, TEST_HISTORY_KEYS);
  runners = [];
  await database.pool.query(
    'CREATE TABLE tallies (projection text, stream_id text, total integer, told integer[], PRIMARY KEY (projection, stream_id))',
  );
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
const model = async (projection: string) => {
  const { rows } = await database.pool.query<{ stream_id: string; total: number; told: number[] }>(
    'SELECT stream_id, total, told FROM tallies WHERE projection = $1 ORDER BY stream_id',
    [projection],
  );
  return rows;
};
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
    const live = runner([good, bad], { onError, maxBackoffMs: 20 });
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

    bad.before = () => undefined;
    expect(await live.waitUntil(position, LONG_MS)).toBe(true);
    expect(await model('bad')).toEqual([{ stream_id: 's', total: 21, told: upTo(6) }]);
    expect(await model('good')).toEqual([{ stream_id: 's', total: 21, told: upTo(6) }]);
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

describe('rebuilding a projection', () => {
  it('gives what the live one has, while events keep coming and a second runner is at work', async () => {
    const live = runner([new Tally('a'), new Tally('b')], { batchSize: 4 });
    const other = runner([new Tally('a')], { batchSize: 5 });
    live.start();
    other.start();
    for (let round = 0; round < 15; round += 1) await append(`s${round % 4}`, round, round * 2);
    const rebuilt = live.rebuild('a');
    let position = START;
    for (let round = 0; round < 15; round += 1) position = await append(`s${round % 4}`, round);
    await rebuilt;
    expect(await live.waitUntil(position, LONG_MS)).toBe(true);
    const rows = await model('b');
    expect(rows).toHaveLength(4);
    expect(await model('a')).toEqual(rows);
    for (const { told } of rows) expect(told).toEqual(upTo(told.length));
  });

  it('is noticed by a runner whose process had nothing to do with it', async () => {
    const live = runner([new Tally('a')]);
    live.start();
    await live.waitUntil(await append('s', 1, 2), LONG_MS);
    // What a process leaves behind that dies between the reset and catching up.
    await store.transact(async ({ transaction }) => {
      await transaction.query(`UPDATE projection_checkpoints SET epoch = 0, transaction_id = '0', sequence = 0`);
      await new Tally('a').reset(transaction);
    });
    await readUntil(
      () => model('a'),
      ([row]) => row?.total === 3,
    );
  });

  it('leaves model and checkpoint alone when the reset fails', async () => {
    const tally = new Tally('a');
    const idle = runner([tally]);
    await append('s', 1);
    await idle.rebuild('a');
    await readUntil(
      () => idle.rebuild('a').then(() => model('a')),
      (rows) => rows.length === 1,
    );
    const before = await idle.lag();
    tally.reset = async (transaction) => {
      await transaction.query('DELETE FROM tallies');
      fails();
    };
    await expect(idle.rebuild('a')).rejects.toThrow('refused');
    expect(await model('a')).toMatchObject([{ told: [1] }]);
    expect(await idle.lag()).toEqual(before);
  });

  it('refuses a name that it does not run', async () => {
    await expect(runner([new Tally('a')]).rebuild('b')).rejects.toBeInstanceOf(ProjectionUnknown);
  });
});
