import type pg from 'pg';
import { type EventMetadata, type HistoryKeys } from '#libs/event-store';

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

interface ChainRow {
  readonly event_id: string;
  readonly stream_id: string;
  readonly version: number;
  readonly type: string;
  readonly schema_version: number;
  readonly recorded_at: Date;
  readonly metadata: EventMetadata;
  readonly data: unknown;
  readonly mac: Buffer;
  readonly head_version: number;
  readonly head_mac: Buffer;
}

/** Streams with a gap, an event whose MAC is not the one it must have, or another end than their head says. */
export async function brokenChains(pool: pg.Pool, keys: HistoryKeys): Promise<string[]> {
  const { rows } = await pool.query<ChainRow>(
    `select e.*, s.version as head_version, s.mac as head_mac
     from streams s left join events e using (stream_id) order by stream_id, version`,
  );
  const broken = new Set<string>();
  let previous: ChainRow | undefined;
  for (const row of rows) {
    const before = previous?.stream_id === row.stream_id ? previous : undefined;
    const mac = keys.eventMac(before?.mac ?? null, {
      ...{ eventId: row.event_id, streamId: row.stream_id, streamVersion: row.version, type: row.type },
      ...{ schemaVersion: row.schema_version, recordedAt: row.recorded_at.toISOString() },
      ...{ metadata: row.metadata, data: row.data },
    });
    const isNext = row.version === (before?.version ?? 0) + 1;
    const isWithinHead =
      row.version < row.head_version || (row.version === row.head_version && mac.equals(row.head_mac));
    if (!isNext || !isWithinHead || !mac.equals(row.mac)) broken.add(row.stream_id);
    if (before === undefined && previous !== undefined && previous.version !== previous.head_version) {
      broken.add(previous.stream_id);
    }
    previous = row;
  }
  if (previous !== undefined && previous.version !== previous.head_version) broken.add(previous.stream_id);
  return [...broken];
}
