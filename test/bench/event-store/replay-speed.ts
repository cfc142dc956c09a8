import path from 'node:path';
import pg from 'pg';
import {
  EVENT_STORE_MIGRATIONS,
  HistoryKeys,
  migrate,
  type PostgresTransaction,
  PostgresEventStore,
  type Projection,
  ProjectionRunner,
  type Upcasters,
} from '#libs/event-store';
import { type Figure, median, timed } from './figures.ts';
import { fillLog, LOG_IN_WORDS } from './realistic-log.ts';

const EVENTS = 60_000;
const ROUNDS = 5;
const PAGE = 1_000;

const DIST = path.resolve(import.meta.dirname, '../../../dist/apps/control-plane/src');

/** What the control plane makes of its log, as built: the figures are those of what runs in production. */
async function builtControlPlane() {
  const slices = (await import(path.join(DIST, 'slices.js'))) as {
    readonly PROJECTIONS: readonly Projection<PostgresTransaction>[];
    readonly UPCASTERS: Upcasters;
  };
  const migrations = (await import(path.join(DIST, 'persistence/control-plane-migrations.js'))) as {
    readonly CONTROL_PLANE_MIGRATIONS: typeof EVENT_STORE_MIGRATIONS;
  };
  return { ...slices, ...migrations };
}

/** Every row of the log in its order, page by page, as `pg` hands rows over: JSON parsed. */
async function bareSelect(pool: pg.Pool): Promise<number> {
  let rows = 0;
  let last: unknown[] = [0, '0', '0'];
  for (;;) {
    const page = await pool.query<{ epoch: number; transaction_id: string; sequence: string }>(
      `select * from events where (epoch, transaction_id, sequence) > ($1, $2, $3)
       order by epoch, transaction_id, sequence limit ${PAGE}`,
      last,
    );
    const end = page.rows.at(-1);
    if (end === undefined) return rows;
    rows += page.rows.length;
    last = [end.epoch, end.transaction_id, end.sequence];
  }
}

/** All read models of the control plane made anew from the log, one after the other, against reading the log once. */
export async function measureReplay(databaseUrl: string): Promise<Figure[]> {
  const { PROJECTIONS, UPCASTERS, CONTROL_PLANE_MIGRATIONS } = await builtControlPlane();
  await migrate(databaseUrl, EVENT_STORE_MIGRATIONS, CONTROL_PLANE_MIGRATIONS);
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 10, pipeline: true });
  const store = new PostgresEventStore(pool, HistoryKeys.derivedFrom(Buffer.alloc(32, 1)), { upcasters: UPCASTERS });
  const runner = new ProjectionRunner(store, PROJECTIONS);
  const replay = async (): Promise<void> => {
    for (const { name } of PROJECTIONS) await runner.rebuild(name);
  };
  try {
    await fillLog(store, EVENTS);
    await pool.query('vacuum analyze');
    const events = await bareSelect(pool);
    await replay();
    const bareMs: number[] = [];
    const replayMs: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      bareMs.push(await timed(() => bareSelect(pool)));
      replayMs.push(await timed(replay));
    }
    console.log(`log of ${events} events: ${LOG_IN_WORDS}`);
    const rate = (timesMs: readonly number[]) => `${((events / median(timesMs)) * 1_000).toFixed(0)}/s`;
    const ratio = median(bareMs.map((bare, round) => bare / (replayMs[round] ?? NaN)));
    const what = `events replayed through ${PROJECTIONS.length} projections : selected`;
    return [{ what, bare: rate(bareMs), ours: rate(replayMs), ratio, target: { least: 0.2 } }];
  } finally {
    await pool.end();
  }
}
