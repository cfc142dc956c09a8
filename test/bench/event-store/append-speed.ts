import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import pg from 'pg';
import { EVENT_STORE_MIGRATIONS, HistoryKeys, migrate, PostgresEventStore } from '#libs/event-store';
import { bareAutocommit, bareCommit, CREATE_BARE_TABLE, EVENT_DATA, METADATA } from './bare-postgres.ts';
import { type Figure, median } from './figures.ts';

const WARM_UP_MS = 500;
const ROUND_MS = 700;
const ROUNDS = 9;
const WRITERS = 20;

/** Commits one event; each writer has a stream of its own. */
type Write = (streamId: string) => Promise<unknown>;

/** Commits per second of some writers, each of which waits for its own. */
async function rateOf(write: Write, writers: number, durationMs: number): Promise<number> {
  const startedMs = performance.now();
  let commits = 0;
  const streams = Array.from({ length: writers }, () => `apiProxy-${randomUUID()}`);
  const goOn = async (streamId: string): Promise<void> => {
    while (performance.now() - startedMs < durationMs) {
      await write(streamId);
      commits += 1;
    }
  };
  await Promise.all(streams.map(goOn));
  return (commits / (performance.now() - startedMs)) * 1_000;
}

interface Rates {
  readonly ratio: (over: string) => number;
  readonly text: (kind: string) => string;
}

/** All kinds in turn, round by round, so that whatever else the machine does falls on all of them. */
async function compare(kinds: ReadonlyMap<string, Write>, writers: number): Promise<Rates> {
  for (const write of kinds.values()) await rateOf(write, writers, WARM_UP_MS);
  const rounds: Map<string, number>[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const rates = new Map<string, number>();
    for (const [kind, write] of kinds) rates.set(kind, await rateOf(write, writers, ROUND_MS));
    rounds.push(rates);
  }
  const of = (rates: ReadonlyMap<string, number>, kind: string): number => rates.get(kind) ?? NaN;
  return {
    ratio: (over) => median(rounds.map((rates) => of(rates, 'store') / of(rates, over))),
    text: (kind) => `${median(rounds.map((rates) => of(rates, kind))).toFixed(0)}/s`,
  };
}

/** Appending one event, by one writer and by many, against bare inserts into a table of the same columns. */
export async function measureAppends(databaseUrl: string): Promise<Figure[]> {
  await migrate(databaseUrl, EVENT_STORE_MIGRATIONS);
  const plain = new pg.Pool({ connectionString: databaseUrl, max: WRITERS });
  const pipelined = new pg.Pool({ connectionString: databaseUrl, max: WRITERS, pipeline: true });
  const store = new PostgresEventStore(pipelined, HistoryKeys.derivedFrom(Buffer.alloc(32, 1)));
  await plain.query(CREATE_BARE_TABLE);
  const append: Write = (streamId) =>
    store.transact((session) =>
      session.append(
        { streamId, expectedVersion: 'any', events: [{ type: 'PolicyAdded', schemaVersion: 1, data: EVENT_DATA }] },
        { recordedAt: new Date().toISOString(), metadata: METADATA },
      ),
    );
  const kinds = new Map<string, Write>([
    ['autocommit', () => bareAutocommit(plain)],
    ['commit', () => bareCommit(plain)],
    ['store', append],
  ]);
  try {
    const one = await compare(kinds, 1);
    const many = await compare(kinds, WRITERS);
    const figure = (what: string, rates: Rates, over: string): Omit<Figure, 'target'> => ({
      ...{ what, bare: rates.text(over), ours: rates.text('store'), ratio: rates.ratio(over) },
    });
    return [
      { ...figure('one event appended : begin, insert, commit', one, 'commit'), target: { least: 0.6 } },
      figure('one event appended : insert by itself', one, 'autocommit'),
      { ...figure(`${WRITERS} writers : begin, insert, commit`, many, 'commit'), target: { least: 0.5 } },
      figure(`${WRITERS} writers : insert by itself`, many, 'autocommit'),
    ];
  } finally {
    await Promise.all([plain.end(), pipelined.end()]);
  }
}
