import type { IdentityKind } from '#libs/config-distribution';
import type { Queryable } from '../persistence/secret-vault.ts';

export interface IdentityWish {
  readonly kind: IdentityKind;
  /** Client id, user name, or what orders are about. */
  readonly subject: string;
  /** The proxy, credential or environment that the record speaks of. */
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

/** The record of kind `orders` that says what an environment's gateways are to obey about key sets. */
export const KEY_SET_ORDERS = { kind: 'orders', subject: 'key-sets' } as const;

/**
 * Wishes, in the transaction of the order, that an environment's gateways obey what is ordered about key sets.
 *
 * @returns the version that the orders are told under, or a later one: see `wishIdentity` for when it is given.
 */
export async function wishKeySetOrders(transaction: Queryable, environmentId: string): Promise<number> {
  const { kind, subject } = KEY_SET_ORDERS;
  await transaction.query(`select pg_advisory_xact_lock_shared(${EVERYBODY})`);
  await transaction.query(
    `insert into identity_wishes (environment_id, kind, subject, entity_id, version) values ($1, $2, $3, $1, 0)
     on conflict (environment_id, kind, subject) do nothing`,
    [environmentId, kind, subject],
  );
  const given = await transaction.query<{ version: string }>(
    `update identity_wishes set version = nextval('identity_versions')
     where environment_id = $1 and kind = $2 and subject = $3 returning version`,
    [environmentId, kind, subject],
  );
  return Number(given.rows[0]?.version);
}

/** Versions of an environment's orders about key sets. */
export interface OrdersVersions {
  /** What its Redis was given; null: nothing yet. */
  readonly told: number | null;
  /** What it is to be given; null: it has all. */
  readonly wished: number | null;
}

export async function keySetOrdersVersions(from: Queryable, environmentId: string): Promise<OrdersVersions> {
  const { kind, subject } = KEY_SET_ORDERS;
  const [wish, told] = ['identity_wishes', 'told_identities'].map(
    (table) => `(select version from ${table} where environment_id = $1 and kind = $2 and subject = $3)`,
  );
  const found = await from.query<{ told: string | null; wished: string | null }>(
    `select ${told} as told, ${wish} as wished`,
    [environmentId, kind, subject],
  );
  const { told: given = null, wished = null } = found.rows[0] ?? {};
  return { told: given === null ? null : Number(given), wished: wished === null ? null : Number(wished) };
}

/**
 * Wishes that one environment hears of everybody, and of its orders: it is new, or its Redis lost its data. Of whom it was
 * told that there is none any more, it hears that again: else the comparison of what it was told with what its Redis holds would
 * find that missing. Waits for the changes of users that are under way, since those did not know of a new environment.
 */
export async function wishAllIdentities(transaction: Queryable, environmentId: string): Promise<void> {
  await transaction.query(`select pg_advisory_xact_lock(${EVERYBODY})`);
  await transaction.query(
    `insert into identity_wishes (environment_id, kind, subject, entity_id, version)
     select $1, kind, name, entity_id, 0 from names where kind in ('client', 'credential')
     union all select $1, kind, subject, entity_id, 0 from told_identities told where environment_id = $1
       and not exists (select 1 from names where names.kind = told.kind and names.name = told.subject)
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
     select $1, $2, wanted.subject,
       case $2::text when 'orders' then $1 else coalesce(names.entity_id, told.entity_id, 'nobody') end,
       nextval('identity_versions')
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

/** Orders first: users may be many, and whoever denies a key is in a hurry. */
export async function openWishes(from: Queryable, environmentId: string, limit: number): Promise<IdentityWish[]> {
  const found = await from.query<{ kind: IdentityKind; subject: string; entity_id: string; version: string }>(
    `select kind, subject, entity_id, version from identity_wishes where environment_id = $1
     order by kind <> 'orders', version limit $2`,
    [environmentId, limit],
  );
  return found.rows.map((row) => ({
    kind: row.kind,
    subject: row.subject,
    entityId: row.entity_id,
    version: Number(row.version),
  }));
}

/** The log of an environment that is to hear of nobody any more; undefined while it is. */
export async function epochToldOfAll(from: Queryable, environmentId: string): Promise<string | undefined> {
  const found = await from.query<{ epoch: string }>(
    `select epoch from environment_channels where environment_id = $1
     and not exists (select 1 from identity_wishes wish where wish.environment_id = $1)`,
    [environmentId],
  );
  return found.rows[0]?.epoch;
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
