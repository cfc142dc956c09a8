import type { EventRow } from '#libs/event-store';

/** An event of the log, and whose it is. */
export interface AuditRow extends Omit<EventRow, 'data'> {
  /** JSON in one line, as it is stored. */
  readonly data: string;
  readonly kind: string;
  readonly subject_id: string;
  readonly subject_name: string | null;
  readonly project_id: string | null;
  readonly project_name: string | null;
  /** False: read only to know how far the log was looked through. */
  readonly is_asked: boolean;
  /** The last one of its window. */
  readonly is_last: boolean;
}

/** Seconds of a parameter in milliseconds; nothing of what JavaScript takes for a moment is out of its range. */
const moment = (parameter: string): string => `to_timestamp(${parameter}::double precision / 1000)`;

/**
 * A window of the log: the events asked for, and the last one of the window in any case, oldest first; fewer, when
 * they are as many or as large as a page may be. Whatever comes last, the next window begins after it.
 *
 * $1-$3 position after which it begins, $4 events in the window, $5-$7 last position that is looked at (or null),
 * $8 and $9 times in milliseconds (or null), $10 ids of projects (or null), $11 rows at most,
 * $12 bytes after which no further row is taken, as they are stored: that can be told without reading them.
 *
 * Whose an event is comes from the first event of its stream: that is in the log, whatever was deleted since. What a
 * deployment or a rollout belongs to is the project of its proxy. `offset 0` has these looked up one by one, by index.
 */
export const AUDIT_WINDOW = `
with window_of_log as (
  select e.*, split_part(e.stream_id, '-', 1) as kind, substr(e.stream_id, strpos(e.stream_id, '-') + 1) as subject_id,
         lead(e.sequence) over (order by e.epoch, e.transaction_id, e.sequence) is null as is_last
  from event_store_events_after($1, $2, $3, $4) e
  where $5::integer is null or (e.epoch, e.transaction_id, e.sequence) <= ($5, $6::xid8, $7::bigint)
), placed as (
  select e.*, first.name as first_name, proxy.name as proxy_name, coalesce(proxy.project_id, first.project_id) as project_id
  from window_of_log e
  left join lateral (
    select f.data ->> 'projectId' as project_id, f.data ->> 'proxyId' as proxy_id,
           coalesce(f.data ->> 'name', f.data ->> 'username') as name
    from events f where f.stream_id = e.stream_id and f.version = 1 offset 0) first on true
  left join lateral (
    select p.data ->> 'projectId' as project_id, p.data ->> 'name' as name
    from events p
    where p.stream_id = 'apiProxy-' || case e.kind when 'environmentDeployments' then e.data ->> 'proxyId'
                                                   when 'rollout' then first.proxy_id end
      and p.version = 1 offset 0) proxy on true
), judged as (
  select placed.*, ($8::double precision is null or recorded_at >= ${moment('$8')})
               and ($9::double precision is null or recorded_at < ${moment('$9')})
               and ($10::text[] is null or coalesce(project_id = any($10), false)) as is_asked
  from placed
), shown as (
  select * from judged where is_asked or is_last order by epoch, transaction_id, sequence limit $11
), weighed as (
  select shown.*, sum(pg_column_size(data)) over (order by epoch, transaction_id, sequence) - pg_column_size(data) as before
  from shown
)
select epoch, transaction_id, sequence, event_id, stream_id, version, type, schema_version, recorded_at, metadata,
       data::text as data, mac, kind, subject_id, project_id, is_asked, is_last,
       case when kind in ('environmentDeployments', 'environmentRevocations')
                 then (select e.data ->> 'name' from events e
                       where e.stream_id = 'environment-' || weighed.subject_id and e.version = 1)
                 when kind = 'rollout' then proxy_name
                 else first_name end as subject_name,
       (select p.data ->> 'name' from events p
        where p.stream_id = 'project-' || weighed.project_id and p.version = 1) as project_name
from weighed where before < $12 order by epoch, transaction_id, sequence`;

/**
 * First and last position of what was recorded from $1 until $2, in milliseconds (or null); no rows: nothing was. Recorded
 * times follow the global order only roughly. Materialized, so that the times are found by their own index.
 */
export const AUDIT_RANGE = `
with found as materialized (
  select epoch, transaction_id, sequence from events
  where recorded_at >= coalesce(${moment('$1')}, '-infinity') and recorded_at < coalesce(${moment('$2')}, 'infinity')
)
(select * from found order by epoch, transaction_id, sequence limit 1)
union all
(select * from found order by epoch desc, transaction_id desc, sequence desc limit 1)`;

/** Ids of all projects that ever bore the name $1. */
export const PROJECTS_NAMED = `
select distinct data ->> 'projectId' as project_id from events where type = 'ProjectCreated' and data ->> 'name' = $1`;
