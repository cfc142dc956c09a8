import type { IdentityKind } from '#libs/config-distribution';
import type { Queryable } from '../persistence/secret-vault.ts';

export interface IdentityWish {
  readonly kind: IdentityKind;
  /** Client id, or user name. */
  readonly subject: string;
  /** The proxy or credential that the record speaks of. */
  readonly entityId: string;
  readonly version: number;
}

const ALL_ENVIRONMENTS = `select entity_id from names where kind = 'environment'`;

/** Names the lock under which an environment hears of everybody while nobody is being changed. */
const EVERYBODY = `hashtextextended('identity-wishes', 0)`;

/**
 * Wishes, in the transaction of the change, that every environment hears of a user or a proxy's key pair. An environment
 * that is created meanwhile waits for the change before it asks for everybody (`wishAllIdentities`).
 *
 * Versions are given once the rows are locked, so that they rise in the order in which changes are recorded.
 */
export async function wishIdentity(transaction: Queryable, identity: Omit<IdentityWish, 'version'>): Promise<void> {
  await transaction.query(`select pg_advisory_xact_lock_shared(${EVERYBODY})`);
  const { kind, subject, entityId } = identity;
  await transaction.query(
    `insert into identity_wishes (environment_id, kind, subject, entity_id, version)
     select environments.entity_id, $1, $2, $3, 0 from (${ALL_ENVIRONMENTS} order by entity_id) environments
     on conflict (environment_id, kind, subject) do update set entity_id = excluded.entity_id`,
    [kind, subject, entityId],
  );
  await transaction.query(
    `update identity_wishes set version = nextval('identity_versions') where kind = $1 and subject = $2
     and environment_id in (${ALL_ENVIRONMENTS})`,
    [kind, subject],
  );
}

/**
 * Wishes that one environment hears of everybody: it is new, or its Redis lost its data. Waits for the changes of users
 * that are under way, since those did not know of a new environment.
 */
export async function wishAllIdentities(transaction: Queryable, environmentId: string): Promise<void> {
  await transaction.query(`select pg_advisory_xact_lock(${EVERYBODY})`);
  await transaction.query(
    `insert into identity_wishes (environment_id, kind, subject, entity_id, version)
     select $1, kind, name, entity_id, 0 from names where kind in ('client', 'credential')
     on conflict (environment_id, kind, subject) do update set entity_id = excluded.entity_id`,
    [environmentId],
  );
  await transaction.query(
    `update identity_wishes set version = nextval('identity_versions') where environment_id = $1`,
    [environmentId],
  );
}

/**
 * Wishes that one environment hears again of some users or key pairs: its Redis does not hold what it was told. Of whom
 * nothing is recorded, it hears that there is none.
 *
 * @param versionsHeld the highest version that was found there: new ones go on behind it.
 */
export async function wishIdentitiesAgain(
  transaction: Queryable,
  environmentId: string,
  { kind, subjects, versionsHeld }: { kind: IdentityKind; subjects: readonly string[]; versionsHeld: number },
): Promise<void> {
  await transaction.query(`select pg_advisory_xact_lock(${EVERYBODY})`);
  await passVersion(transaction, versionsHeld);
  await transaction.query(
    `insert into identity_wishes (environment_id, kind, subject, entity_id, version)
     select $1, $2, wanted.subject, coalesce(names.entity_id, told.entity_id, 'nobody'), nextval('identity_versions')
     from unnest($3::text[]) wanted(subject)
     left join names on names.kind = $2 and names.name = wanted.subject
     left join told_identities told
       on told.environment_id = $1 and told.kind = $2 and told.subject = wanted.subject
     on conflict (environment_id, kind, subject) do nothing`,
    [environmentId, kind, subjects],
  );
}

/** Versions that are given from now on are higher: PostgreSQL came back from an older backup. */
export async function passVersion(transaction: Queryable, version: number): Promise<void> {
  await transaction.query(`select setval('identity_versions', $1) from identity_versions where last_value < $1`, [
    version,
  ]);
}

/** Gives an open wish a new version, unless it was renewed or ended meanwhile. */
export async function renewWish(from: Queryable, environmentId: string, wish: IdentityWish): Promise<boolean> {
  const renewed = await from.query(
    `update identity_wishes set version = nextval('identity_versions')
     where environment_id = $1 and kind = $2 and subject = $3 and version = $4`,
    [environmentId, wish.kind, wish.subject, wish.version],
  );
  return renewed.rowCount === 1;
}

export async function openWishes(from: Queryable, environmentId: string, limit: number): Promise<IdentityWish[]> {
  const found = await from.query<{ kind: IdentityKind; subject: string; entity_id: string; version: string }>(
    'select kind, subject, entity_id, version from identity_wishes where environment_id = $1 order by version limit $2',
    [environmentId, limit],
  );
  return found.rows.map((row) => ({
    kind: row.kind,
    subject: row.subject,
    entityId: row.entity_id,
    version: Number(row.version),
  }));
}

/** Notes what the environment was given. A wish that was renewed meanwhile stays. */
export async function endWish(from: Queryable, environmentId: string, wish: IdentityWish): Promise<void> {
  await from.query(
    `with ended as (
       delete from identity_wishes where environment_id = $1 and kind = $2 and subject = $3 and version = $4
       returning environment_id, kind, subject, entity_id, version
     )
     insert into told_identities (environment_id, kind, subject, entity_id, version) select * from ended
     on conflict (environment_id, kind, subject)
       do update set entity_id = excluded.entity_id, version = excluded.version`,
    [environmentId, wish.kind, wish.subject, wish.version],
  );
}
