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

/** Wishes, in the transaction of the change, that every environment hears of a user or a proxy's key pair. */
export async function wishIdentity(transaction: Queryable, identity: Omit<IdentityWish, 'version'>): Promise<void> {
  await transaction.query(
    `insert into identity_wishes (environment_id, kind, subject, entity_id, version)
     select environments.entity_id, $1, $2, $3, nextval('identity_versions') from (${ALL_ENVIRONMENTS}) environments
     on conflict (environment_id, kind, subject)
     do update set entity_id = excluded.entity_id, version = excluded.version`,
    [identity.kind, identity.subject, identity.entityId],
  );
}

/** Wishes that one environment hears of everybody: it is new, or its Redis lost its data. */
export async function wishAllIdentities(transaction: Queryable, environmentId: string): Promise<void> {
  await transaction.query(
    `insert into identity_wishes (environment_id, kind, subject, entity_id, version)
     select $1, kind, name, entity_id, nextval('identity_versions') from names where kind in ('client', 'credential')
     on conflict (environment_id, kind, subject)
     do update set entity_id = excluded.entity_id, version = excluded.version`,
    [environmentId],
  );
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

/** A wish that was renewed meanwhile stays. */
export async function endWish(from: Queryable, environmentId: string, wish: IdentityWish): Promise<void> {
  await from.query(
    'delete from identity_wishes where environment_id = $1 and kind = $2 and subject = $3 and version = $4',
    [environmentId, wish.kind, wish.subject, wish.version],
  );
}
