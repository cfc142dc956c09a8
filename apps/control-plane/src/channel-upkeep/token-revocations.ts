import type { RevokedBy, TokenRevocation } from '#libs/token-revocations';
import type { DomainEvent } from '#libs/event-store';
import type { Queryable } from '../persistence/secret-vault.ts';
import type { Unit } from '../persistence/unit-of-work.ts';

/** Gateways of an environment take no more of the tokens that it names; see `TokenRevocation` for the members. */
export type TokensRevoked = DomainEvent<
  'TokensRevoked',
  {
    environmentId: string;
    by: RevokedBy;
    value: string;
    issuedUntilSeconds: number | null;
    endsAtMs: number | null;
  }
>;

/** Nobody decides on what it holds, and nobody waits for it: changes of the environment are in another stream. */
export const environmentRevocationsStream = (environmentId: string): string =>
  `environmentRevocations-${environmentId}`;

const eventOf = (environmentId: string, revocation: TokenRevocation): TokensRevoked => {
  const { by, value, issuedUntilSeconds, endsAtMs } = revocation;
  return {
    ...{ type: 'TokensRevoked', schemaVersion: 1 },
    data: { environmentId, by, value, issuedUntilSeconds, endsAtMs },
  };
};

/** What PostgreSQL makes of two revocations of the same: see `joinedRevocation`. `null` is later than any time. */
const joined = (column: string): string =>
  `${column} = case when known.${column} is null or excluded.${column} is null then null
     else greatest(known.${column}, excluded.${column}) end`;

const WISH = `insert into token_revocations as known
    (environment_id, revoked_by, value, issued_until_seconds, ends_at_ms, is_until_told, project_id)
  select $1, made.by, made.value, made."issuedUntilSeconds", made."endsAtMs", $3, $4
  from jsonb_to_recordset($2::jsonb) as made (by text, value text, "issuedUntilSeconds" bigint, "endsAtMs" bigint)
  on conflict (environment_id, revoked_by, value)
    do update set ${joined('issued_until_seconds')}, ${joined('ends_at_ms')}, told_sequence = null,
      is_until_told = known.is_until_told or excluded.is_until_told,
      project_id = case when known.project_id is null then null else excluded.project_id end`;

/** Where a revocation comes from. */
export interface RevocationOrigin {
  /** Whose user, client or login it is about; undefined: an administrator orders it, and it takes none of a project's room. */
  readonly projectId?: string | undefined;
  /** Tokens that are issued until the environment is told are meant, too. */
  readonly isUntilTold?: boolean;
}

/**
 * Records, in the transaction of the change, that an environment's gateways take some tokens no more. The environment hears
 * of it by itself within a second; whoever changed something asks `ChannelUpkeep` for it at once.
 */
export async function revokeTokens(
  unit: Unit,
  environmentId: string,
  revocations: readonly TokenRevocation[],
  { projectId, isUntilTold = false }: RevocationOrigin,
): Promise<void> {
  const events = revocations.map((revocation) => eventOf(environmentId, revocation));
  await unit.append(environmentRevocationsStream(environmentId), 'any', events);
  await unit.transaction.query(WISH, [environmentId, JSON.stringify(revocations), isUntilTold, projectId ?? null]);
}

/**
 * The same in every environment, because a secret changed or is gone. Each hears of it behind `wishIdentity`, which tells it so:
 * tokens that somebody gets by the old secret until then are meant, too. To be called behind that, in which order whoever
 * repairs a channel writes.
 */
export async function revokeTokensEverywhere(
  unit: Unit,
  projectId: string,
  revocations: readonly TokenRevocation[],
): Promise<void> {
  const found = await unit.transaction.query<{ entity_id: string }>(
    `select entity_id from names where kind = 'environment' order by entity_id`,
  );
  for (const { entity_id: environmentId } of found.rows) {
    await revokeTokens(unit, environmentId, revocations, { projectId, isUntilTold: true });
  }
}

export interface IssuedUntilNow {
  /** ISO 8601 */
  readonly now: string;
  /** See `TokenRevocation`. */
  readonly endsAtMs: number | null;
}

/** `iat` of a token that is issued in this moment. */
export const secondOf = (now: string): number => Math.floor(Date.parse(now) / 1_000);

const MEMBERS = `revoked_by as by, value, issued_until_seconds::float8 as "issuedUntilSeconds", ends_at_ms::float8 as "endsAtMs"`;

/** All tokens of a user issued until now: as whose they are, and as the client of them that a credential is, too. */
export function tokensOfUser(username: string, { now, endsAtMs }: IssuedUntilNow): TokenRevocation[] {
  const issuedUntilSeconds = secondOf(now);
  const until = { value: username, issuedUntilSeconds, endsAtMs };
  return [
    { by: 'user', ...until },
    { by: 'client', ...until },
  ];
}

/** All tokens of a client issued until now. */
export const tokensOfClient = (clientId: string, { now, endsAtMs }: IssuedUntilNow): TokenRevocation => ({
  ...{ by: 'client', value: clientId, issuedUntilSeconds: secondOf(now), endsAtMs },
});

/** All tokens of a login that has ended, whenever they were issued: a refresh may be under way. */
export const tokensOfLogin = (familyId: string, endsAtMs: number | null): TokenRevocation => ({
  ...{ by: 'family', value: familyId, issuedUntilSeconds: null, endsAtMs },
});

/** How many revocations a project has in the ledger of an environment: of the one where they are most. */
export async function revocationsOfProject(from: Queryable, projectId: string, nowMs: number): Promise<number> {
  const found = await from.query<{ count: number }>(
    `select count(*)::integer as count from token_revocations
     where project_id = $1 and (ends_at_ms is null or ends_at_ms > $2)
     group by environment_id order by count desc limit 1`,
    [projectId, nowMs],
  );
  return found.rows[0]?.count ?? 0;
}

/** Which of them an environment is told at once. */
export interface UntoldKind {
  /** See `RevocationOrigin`. */
  readonly isUntilTold: boolean;
  /** By whose order: an administrator's, or what became of things of projects. */
  readonly isOfProject: boolean;
}

/** What the environment is still to be told. */
export async function untoldRevocations(
  from: Queryable,
  environmentId: string,
  { isUntilTold, isOfProject, limit }: UntoldKind & { readonly limit: number },
): Promise<TokenRevocation[]> {
  const found = await from.query<TokenRevocation>(
    `select ${MEMBERS} from token_revocations
     where environment_id = $1 and told_sequence is null and is_until_told = $2 and (project_id is not null) = $3
     order by revoked_by, value limit $4`,
    [environmentId, isUntilTold, isOfProject, limit],
  );
  return found.rows;
}

/** A revocation as it was to be told, and what was told: tokens of a longer time, perhaps, which end later. */
export interface ToldRevocation extends TokenRevocation {
  readonly toldUntilSeconds: number | null;
  readonly toldEndsAtMs: number | null;
}

/** Notes what the environment was told. One that was widened meanwhile stays to be told. */
export async function noteTold(
  from: Queryable,
  environmentId: string,
  { revocations, sequence }: { readonly revocations: readonly ToldRevocation[]; readonly sequence: number },
): Promise<void> {
  await from.query(
    `update token_revocations known
     set told_sequence = $3, issued_until_seconds = told."toldUntilSeconds", ends_at_ms = told."toldEndsAtMs",
       is_until_told = false
     from jsonb_to_recordset($2::jsonb) as told (by text, value text, "issuedUntilSeconds" bigint, "endsAtMs" bigint,
       "toldUntilSeconds" bigint, "toldEndsAtMs" bigint)
     where known.environment_id = $1 and known.revoked_by = told.by and known.value = told.value
       and known.issued_until_seconds is not distinct from told."issuedUntilSeconds"
       and known.ends_at_ms is not distinct from told."endsAtMs"`,
    [environmentId, JSON.stringify(revocations), sequence],
  );
}

/** What means no token any more need not be told again. @param nowMs epoch milliseconds */
export async function forgetEndedRevocations(from: Queryable, environmentId: string, nowMs: number): Promise<void> {
  await from.query(
    'delete from token_revocations where environment_id = $1 and ends_at_ms <= $2 and not is_until_told',
    [environmentId, nowMs],
  );
}

/** Has an environment told everything once more: its Redis lost its data. To tell it twice changes nothing there. */
export async function tellRevocationsAgain(transaction: Queryable, environmentId: string): Promise<void> {
  await transaction.query(
    'update token_revocations set told_sequence = null where environment_id = $1 and told_sequence is not null',
    [environmentId],
  );
}

/** Which sequence of the environment's ledger stands for a revocation; undefined: it is not told yet, or has ended. */
export async function toldSequence(
  from: Queryable,
  environmentId: string,
  { by, value }: Pick<TokenRevocation, 'by' | 'value'>,
): Promise<number | undefined> {
  const found = await from.query<{ sequence: number | null }>(
    `select told_sequence::float8 as sequence from token_revocations
     where environment_id = $1 and revoked_by = $2 and value = $3`,
    [environmentId, by, value],
  );
  return found.rows[0]?.sequence ?? undefined;
}
