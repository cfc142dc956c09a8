import type { PostgresTransaction, Projection, RecordedEvent } from '#libs/event-store';
import { joinedRevocation, revocationKey, type TokenRevocation } from '#libs/token-revocations';
import type { TokensRevoked } from '../../channel-upkeep/token-revocations.ts';
import type { EnvironmentDeleted } from '../domain/environment.decider.ts';

/** By whose last order, when (ISO 8601) and why. */
interface RevocationRow extends TokenRevocation {
  readonly environmentId: string;
  readonly at: string;
  readonly actor: string;
  readonly reason: string | null;
}

type Told = TokensRevoked | EnvironmentDeleted;

const rowOf = ({ data, recordedAt, metadata }: RecordedEvent<TokensRevoked>): RevocationRow => ({
  ...data,
  ...{ at: recordedAt, actor: metadata.actor, reason: metadata.reason ?? null },
});

const keyOf = (row: RevocationRow): string => `${row.environmentId} ${revocationKey(row)}`;

/** What a batch of events comes to. */
function comesTo(events: readonly RecordedEvent<Told>[]): { ended: string[]; rows: RevocationRow[] } {
  const ended = new Set<string>();
  const rows = new Map<string, RevocationRow>();
  for (const event of events) {
    const { environmentId } = event.data;
    if (event.type === 'TokensRevoked') {
      const row = rowOf(event as RecordedEvent<TokensRevoked>);
      const before = rows.get(keyOf(row));
      rows.set(keyOf(row), before === undefined ? row : { ...row, ...joinedRevocation(before, row), ...factsOf(row) });
    } else {
      ended.add(environmentId);
      for (const [key, row] of rows) if (row.environmentId === environmentId) rows.delete(key);
    }
  }
  return { ended: [...ended], rows: [...rows.values()] };
}

const factsOf = ({ at, actor, reason }: RevocationRow) => ({ at, actor, reason });

const joined = (column: string): string =>
  `${column} = case when known.${column} is null or excluded.${column} is null then null
     else greatest(known.${column}, excluded.${column}) end`;

const WRITE = `insert into read_token_revocations as known
    (environment_id, revoked_by, value, issued_until_seconds, ends_at_ms, at, actor, reason)
  select "environmentId", by, value, "issuedUntilSeconds", "endsAtMs", at, actor, reason
  from jsonb_to_recordset($1::jsonb) as made ("environmentId" text, by text, value text, "issuedUntilSeconds" bigint,
    "endsAtMs" bigint, at timestamptz, actor text, reason text)
  on conflict (environment_id, revoked_by, value) do update set ${joined('issued_until_seconds')},
    ${joined('ends_at_ms')}, at = excluded.at, actor = excluded.actor, reason = excluded.reason`;

/** Which tokens an environment's gateways take no more, by whose order. Those that have ended stay. */
export const revocationsProjection: Projection<PostgresTransaction> = {
  ...{ name: 'token-revocations', tables: ['read_token_revocations'] },
  eventTypes: new Set<Told['type']>(['TokensRevoked', 'EnvironmentDeleted']),
  apply: async (transaction, events) => {
    const { ended, rows } = comesTo(events as readonly RecordedEvent<Told>[]);
    if (ended.length > 0) {
      await transaction.query('delete from read_token_revocations where environment_id = any($1)', [ended]);
    }
    if (rows.length > 0) await transaction.query(WRITE, [JSON.stringify(rows)]);
  },
};
