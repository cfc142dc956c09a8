import type pg from 'pg';
import { type EventRow, type HistoryKeys } from '#libs/event-store';

/** The types of the events that each `Idempotency-Key` has left, in alphabetical order. */
export async function recordedWrites(pool: pg.Pool): Promise<Map<string, string[]>> {
  const { rows } = await pool.query<{ key: string; types: string[] }>(
    `select metadata ->> 'idempotencyKey' as key, array_agg(type order by type) as types
     from events where metadata ? 'idempotencyKey' group by 1`,
  );
  return new Map(rows.map(({ key, types }) => [key, types]));
}

/** Deployments that are still open, or whose stream tells of no end, or of several. */
export async function deploymentsNotEndedOnce(pool: pg.Pool): Promise<unknown[]> {
  const { rows } = await pool.query(
    `select d.environment_id, d.deployment, d.state, count(e.event_id) as ends
     from deployments d left join events e on e.stream_id = 'environmentDeployments-' || d.environment_id
       and e.type in ('DeploymentSucceeded', 'DeploymentFailed', 'DeploymentSuperseded')
       and (e.data ->> 'deployment')::bigint = d.deployment
     group by 1, 2, 3 having count(e.event_id) <> 1 or d.state = 'pending'`,
  );
  return rows;
}

/** Names of what has no history, and secrets that no event names or that events name and nobody keeps. */
export async function strayNamesAndSecrets(pool: pg.Pool): Promise<unknown[]> {
  const { rows } = await pool.query(
    `with named as (select distinct jsonb_path_query(data, '$.**.secretId') #>> '{}' as id from events)
     select 'name' as what, kind || ' ' || name as which from names
       where not exists (select from streams where stream_id like '%-' || entity_id)
     union all
     select 'secret', purpose || ' ' || secret_id from secrets
       where purpose <> 'mark' and secret_id::text not in (select id from named)
     union all
     select 'reference', id from named where id not in (select secret_id::text from secrets)`,
  );
  return rows;
}

type HeadRow = Pick<EventRow, 'stream_id' | 'version' | 'mac'>;

/** Streams with a gap, an event whose MAC is not the one it must have, or another end than their head says. */
export async function brokenChains(pool: pg.Pool, keys: HistoryKeys): Promise<string[]> {
  const { rows } = await pool.query<EventRow>('select * from events order by stream_id, version');
  const heads = await pool.query<HeadRow>('select stream_id, version, mac from streams');
  const ends = new Map<string, EventRow>();
  const broken = new Set<string>();
  for (const row of rows) {
    if (!comesAfter(row, ends.get(row.stream_id), keys)) broken.add(row.stream_id);
    ends.set(row.stream_id, row);
  }
  for (const { stream_id: streamId, version, mac } of heads.rows) {
    const end = ends.get(streamId);
    if (end === undefined || end.version !== version || !end.mac.equals(mac)) broken.add(streamId);
    ends.delete(streamId);
  }
  return [...broken, ...ends.keys()];
}

function comesAfter(row: EventRow, before: EventRow | undefined, keys: HistoryKeys): boolean {
  const mac = keys.eventMac(before?.mac ?? null, {
    ...{ eventId: row.event_id, streamId: row.stream_id, streamVersion: row.version, type: row.type },
    ...{ schemaVersion: row.schema_version, recordedAt: row.recorded_at.toISOString() },
    ...{ metadata: row.metadata, data: row.data },
  });
  return row.version === (before?.version ?? 0) + 1 && mac.equals(row.mac);
}

/** The rows of every read model, by table. */
export async function readModelRows(pool: pg.Pool): Promise<Record<string, unknown[]>> {
  const { rows: tables } = await pool.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public' and tablename like 'read\\_%' order by 1`,
  );
  const contents: Record<string, unknown[]> = {};
  for (const { name } of tables) contents[name] = (await pool.query(`select * from ${name} order by 1`)).rows;
  return contents;
}
