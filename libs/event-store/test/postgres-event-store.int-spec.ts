import pg from 'pg';
import { EventStoreUnavailable, StreamVersionConflict, TransactionAborted } from '../src/event-store-errors.ts';
import { type AppendContext, type EventSession, type StreamAppend } from '../src/event-store.port.ts';
import { verifyHistory } from '../src/audit/index.ts';
import { START } from '../src/global-position.ts';
import { EVENT_STORE_MIGRATIONS } from '../src/migrate.ts';
import { PostgresEventStore } from '../src/postgres-event-store.ts';
import { type PostgresTransaction } from '../src/postgres-session.ts';
import { freshDatabase, type FreshDatabase, gate, readUntil, TEST_HISTORY_KEYS } from '../src/testing/index.ts';

const context: AppendContext = {
  recordedAt: '2026-01-02T03:04:05.678Z',
  metadata: { actor: 'ada', requestId: 'request-1' },
};
const one = (streamId: string, expectedVersion: StreamAppend['expectedVersion'], count = 1): StreamAppend => ({
  streamId,
  expectedVersion,
  events: [{ type: 'Counted', schemaVersion: 1, data: { count } }],
});
type Session = EventSession<PostgresTransaction>;

let database: FreshDatabase;
let store: PostgresEventStore;
beforeAll(async () => {
  database = await freshDatabase(EVENT_STORE_MIGRATIONS);
});
beforeEach(async () => {
  await database.pool.query('TRUNCATE events, streams');
  await database.pool.query('DELETE FROM event_store_epochs WHERE epoch > 1');
  store = new PostgresEventStore(database.pool, TEST_HISTORY_KEYS);
});
afterAll(() => database.drop());

const append = (appended: StreamAppend, by = store) => by.transact((session) => session.append(appended, context));
const readStreams = async (count: number, from = store) => {
  const events = await readUntil(
    () => from.readAll(START, 100),
    (read) => read.length >= count,
  );
  return events.map((event) => event.streamId);
};

/** A transaction that has appended and stays open until told. */
async function slowAppend(appended: StreamAppend, by = store) {
  const hasAppended = gate();
  const mayEnd = gate();
  const ended = by.transact(async (session) => {
    await session.append(appended, context);
    hasAppended.open();
    await mayEnd.opened;
  });
  await hasAppended.opened;
  return { end: mayEnd.open, ended };
}

describe('global reading', () => {
  it('holds a fast event back while a slower transaction that began before it is still running', async () => {
    const slow = await slowAppend(one('slow', 0));
    await append(one('fast', 0));
    expect(await store.readAll(START, 100)).toEqual([]);
    expect(await store.readStream('fast')).toHaveLength(1);

    slow.end();
    await slow.ended;
    expect(await readStreams(2)).toEqual(['slow', 'fast']);
  });

  it('waits for a transaction from its first write on, and puts what it appends behind what was there by then', async () => {
    const hasWritten = gate();
    const mayAppend = gate();
    const slow = store.transact(async (session) => {
      await session.transaction.query('CREATE TEMPORARY TABLE scratch (id integer) ON COMMIT DROP');
      hasWritten.open();
      await mayAppend.opened;
      await session.append(one('slow', 0), context);
    });
    await hasWritten.opened;
    await append(one('fast', 0));
    expect(await store.readAll(START, 100)).toEqual([]);
    mayAppend.open();
    await slow;
    expect(await readStreams(2)).toEqual(['fast', 'slow']);
  });

  it('shows the fast event once the slower transaction has rolled back', async () => {
    const mayFail = gate();
    const hasAppended = gate();
    const slow = store.transact(async (session) => {
      await session.append(one('slow', 0), context);
      hasAppended.open();
      await mayFail.opened;
      throw new Error('no');
    });
    await hasAppended.opened;
    await append(one('fast', 0));
    mayFail.open();
    await expect(slow).rejects.toThrow('no');
    expect(await readStreams(1)).toEqual(['fast']);
  });

  it('shows events behind all that was there when they were appended, whoever began first', async () => {
    const [hasBegun, mayGoOn] = [gate(), gate()];
    const slow = store.transact(async (session) => {
      await session.append(one('slow', 0), context);
      hasBegun.open();
      await mayGoOn.opened;
      await session.append(one('shared', 'any'), context);
      await session.append(one('last', 0), context);
    });
    await hasBegun.opened;
    await append(one('shared', 'any'));
    mayGoOn.open();
    const { position } = await slow;
    await append(one('shared', 'any'));

    const read = await readUntil(
      () => store.readAll(START, 100),
      (events) => events.length >= 5,
    );
    expect(read.map(({ streamId, streamVersion }) => `${streamId} ${streamVersion}`)).toEqual([
      ...['slow 1', 'shared 1', 'shared 2', 'last 1', 'shared 3'],
    ]);
    expect(position).toEqual(read[3]?.position);
    expect((await verifyHistory(database.pool, TEST_HISTORY_KEYS, { files: [], faultLimit: 5 })).faults).toEqual([]);
  });

  it('never loses or repeats an event for a reader who follows many writers of different speed', async () => {
    let isWriting = true;
    const seen: string[] = [];
    const follow = (async () => {
      for (let after = START; ;) {
        const page = await store.readAll(after, 7);
        seen.push(...page.map((event) => `${event.streamId}/${event.streamVersion}`));
        after = page.at(-1)?.position ?? after;
        if (page.length === 0 && !isWriting && seen.length >= 200) return;
      }
    })();
    const writer = async (streamId: string, waits: number) => {
      for (let version = 0; version < 25; version += 1) {
        await store.transact(async (session) => {
          await session.append(one(streamId, version), context);
          await session.transaction.query('SELECT pg_sleep($1)', [waits / 1000]);
        });
      }
    };
    await Promise.all([0, 1, 2, 3, 5, 8, 13, 21].map((waits) => writer(`w${waits}`, waits)));
    isWriting = false;
    await follow;
    expect(seen).toHaveLength(200);
    expect(new Set(seen).size).toBe(200);
  });
});

describe('concurrent writers of one stream', () => {
  it('lose no update when each tries again after a conflict', async () => {
    const addOne = async (): Promise<void> => {
      const stream = await store.readStream('counter');
      const count = (stream.at(-1)?.data as { count: number } | undefined)?.count ?? 0;
      try {
        await append(one('counter', stream.length, count + 1));
      } catch (error) {
        if (!(error instanceof StreamVersionConflict)) throw error;
        await addOne();
      }
    };
    const writer = async () => {
      for (let round = 0; round < 5; round += 1) await addOne();
    };
    await Promise.all(Array.from({ length: 6 }, writer));
    const counts = (await store.readStream('counter')).map((event) => (event.data as { count: number }).count);
    expect(counts).toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
  });

  it('is told the version that a writer who was faster has reached', async () => {
    const slow = await slowAppend({ ...one('a', 0), events: [...one('a', 0).events, ...one('a', 0).events] });
    const late = append(one('a', 0));
    const refused = expect(late).rejects.toMatchObject({ expectedVersion: 0, actualVersion: 2 });
    slow.end();
    await slow.ended;
    await refused;
  });

  it('are done again when they lock each other out', async () => {
    const first = { one: gate(), other: gate() };
    let attempts = 0;
    const crossing = (own: string, foreign: string, hasOwn: () => void, otherHasOwn: Promise<void>) =>
      store.transact(async (session: Session) => {
        attempts += 1;
        await session.append(one(own, 'any'), context);
        hasOwn();
        await otherHasOwn;
        await session.append(one(foreign, 'any'), context);
      });
    await Promise.all([
      crossing('a', 'b', first.one.open, first.other.opened),
      crossing('b', 'a', first.other.open, first.one.opened),
    ]);
    expect(attempts).toBeGreaterThan(2);
    expect(await store.readStream('a')).toHaveLength(2);
    expect(await store.readStream('b')).toHaveLength(2);
  });
});

describe('a transaction', () => {
  it('carries what else is written along with the events, or takes it back with them', async () => {
    await database.pool.query('CREATE TABLE IF NOT EXISTS notes (note text)');
    const write = (note: string, expectedVersion: number) =>
      store.transact(async (session) => {
        await session.transaction.query('INSERT INTO notes VALUES ($1)', [note]);
        await session.append(one('a', expectedVersion), context);
      });
    await write('kept', 0);
    await expect(write('taken back', 0)).rejects.toBeInstanceOf(StreamVersionConflict);
    expect((await database.pool.query('SELECT note FROM notes')).rows).toEqual([{ note: 'kept' }]);
  });

  it('does not pass for committed when a statement in it failed and nobody cared', async () => {
    const careless = store.transact(async (session) => {
      await session.append(one('a', 0), context);
      await session.transaction.query('SELECT 1/0').catch(() => undefined);
    });
    await expect(careless).rejects.toBeInstanceOf(TransactionAborted);
    expect(await store.readStream('a')).toEqual([]);
  });
});

describe('a log restored into a cluster with lower transaction ids', () => {
  const restore = async () => {
    await database.pool.query(`INSERT INTO streams VALUES ('old', 2, $1)`, [Buffer.alloc(32)]);
    await database.pool.query(`
      INSERT INTO events (epoch, transaction_id, event_id, stream_id, version, type, schema_version, recorded_at, metadata,
                          data, mac)
      SELECT 1, (pg_snapshot_xmax(pg_current_snapshot())::text::bigint + 1000000 + n)::text::xid8, gen_random_uuid(),
             'old', n, 'Counted', 1, now(), '{}', '{}', decode(repeat('00', 32), 'hex')
      FROM generate_series(1, 2) AS n`);
  };
  const epochs = async () =>
    (await database.pool.query<{ epoch: number }>('SELECT epoch FROM event_store_epochs ORDER BY epoch')).rows;

  /** Until so many connections wait for the epochs to be free. */
  const untilWaiting = (count: number) => {
    const waiting = `SELECT FROM pg_locks WHERE NOT granted AND relation = 'event_store_epochs'::regclass
                     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
    return readUntil(
      async () => (await database.pool.query(waiting)).rowCount ?? 0,
      (found) => found >= count,
    );
  };

  it('is read in full at once, and goes on after everything that was restored', async () => {
    await restore();
    const reopened = new PostgresEventStore(database.pool, TEST_HISTORY_KEYS);
    expect(await readStreams(2, reopened)).toEqual(['old', 'old']);
    const checkpoint = (await reopened.readAll(START, 10)).at(-1)?.position ?? START;

    const { position } = await append(one('new', 0), reopened);
    expect(position?.epoch).toBe(2);
    expect(await readStreams(3, reopened)).toEqual(['old', 'old', 'new']);
    expect((await reopened.readAll(checkpoint, 10)).map((event) => event.streamId)).toEqual(['new']);
    await append(one('old', 2), reopened);
    expect(await readStreams(4, reopened)).toEqual(['old', 'old', 'new', 'old']);
  });

  it('opens one new epoch, however many stores open it at once, and none the next time', async () => {
    const slow = await slowAppend(one('slow', 0));
    await restore();
    const stores = Array.from({ length: 5 }, () => new PostgresEventStore(database.pool, TEST_HISTORY_KEYS));
    const appended = Promise.all(stores.map((each, index) => append(one(`s${index}`, 0), each)));
    await untilWaiting(5);
    slow.end();
    await Promise.all([slow.ended, appended]);
    expect(await epochs()).toEqual([{ epoch: 1 }, { epoch: 2 }]);
    await append(one('later', 0), new PostgresEventStore(database.pool, TEST_HISTORY_KEYS));
    expect(await epochs()).toEqual([{ epoch: 1 }, { epoch: 2 }]);
  });

  it('does not close an epoch under a writer who is still in it', async () => {
    const slow = await slowAppend(one('slow', 0));
    await restore();
    const reopened = new PostgresEventStore(database.pool, TEST_HISTORY_KEYS);
    const reading = readStreams(3, reopened);
    await untilWaiting(1);
    expect(await epochs()).toEqual([{ epoch: 1 }]);
    slow.end();
    await slow.ended;
    expect([...(await reading)].sort()).toEqual(['old', 'old', 'slow']);
  });
});

describe('a database that goes away', () => {
  const terminateOthers = () =>
    database.pool.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                         WHERE datname = current_database() AND pid <> pg_backend_pid()`);

  it('is reached again by the next call after it has closed every connection', async () => {
    await Promise.all(Array.from({ length: 5 }, (_, index) => append(one(`s${index}`, 0))));
    await terminateOthers();
    await append(one('after', 0));
    expect(await store.readStream('after')).toHaveLength(1);
  });

  it('is reported as unavailable by the transaction it interrupts, of which nothing stays', async () => {
    const interrupted = store.transact(async (session) => {
      await session.append(one('a', 0), context);
      await terminateOthers();
      await session.append(one('b', 0), context);
    });
    await expect(interrupted).rejects.toMatchObject({
      code: 'EVENT_STORE_UNAVAILABLE',
      outcome: 'nothing-recorded',
    });
    expect(await store.readStream('a')).toEqual([]);
    await append(one('a', 0));
  });

  it('is reported as unavailable, without the password, when it cannot be reached at all', async () => {
    const pool = new pg.Pool({ connectionString: 'postgres://ada:hunter2@127.0.0.1:1/x' });
    const unreachable = new PostgresEventStore(pool, TEST_HISTORY_KEYS);
    const work = append(one('a', 0), unreachable);
    await expect(work).rejects.toBeInstanceOf(EventStoreUnavailable);
    await expect(unreachable.readStream('a')).rejects.toBeInstanceOf(EventStoreUnavailable);
    await expect(unreachable.readAll(START, 1)).rejects.toBeInstanceOf(EventStoreUnavailable);
    expect(String(await work.catch((error: unknown) => error))).not.toContain('hunter2');
    await pool.end();
  });
});
