import type { IdentityKind } from '#libs/config-distribution';
import { KEY_SET_ORDERS } from '../../channel-upkeep/identity-wishes.ts';
import type { Queryable } from '../../persistence/secret-vault.ts';

/** What an environment was told of a user or a key pair, or was ordered. */
export interface ToldIdentity {
  readonly kind: IdentityKind;
  readonly subject: string;
  readonly version: number;
  /** false: it was told that there is no such user any more. */
  readonly isThere: boolean;
  /** It is to be told something newer: nothing can be expected meanwhile. */
  readonly isOnItsWay: boolean;
}

/** Where a page of identities begins: behind this one. */
export interface IdentityPlace {
  readonly kind: string;
  readonly subject: string;
}

interface StoredTold {
  kind: IdentityKind;
  subject: string;
  version: string;
  is_there: boolean;
  is_on_its_way: boolean;
}

/** Orders, once given, stay: those that were lifted leave an empty record. */
const SELECT = `select told.kind, told.subject, told.version,
    (told.kind, told.subject) = ('${KEY_SET_ORDERS.kind}', '${KEY_SET_ORDERS.subject}')
      or exists (select 1 from names where names.kind = told.kind and names.name = told.subject
      and names.entity_id = told.entity_id) as is_there,
    exists (select 1 from identity_wishes wish where wish.environment_id = told.environment_id
      and wish.kind = told.kind and wish.subject = told.subject) as is_on_its_way
  from told_identities told where told.environment_id = $1`;

const toldOf = ({ version, is_there: isThere, is_on_its_way: isOnItsWay, ...row }: StoredTold): ToldIdentity => ({
  ...{ kind: row.kind, subject: row.subject, version: Number(version), isThere, isOnItsWay },
});

/** A page in the order of kinds and subjects. */
export async function toldIdentities(
  from: Queryable,
  environmentId: string,
  { after, limit }: { readonly after: IdentityPlace; readonly limit: number },
): Promise<ToldIdentity[]> {
  const statement = `${SELECT} and (told.kind, told.subject) > ($2, $3) order by told.kind, told.subject limit $4`;
  const found = await from.query<StoredTold>(statement, [environmentId, after.kind, after.subject, limit]);
  return found.rows.map(toldOf);
}

export async function toldOfSubjects(
  from: Queryable,
  environmentId: string,
  kind: IdentityKind,
  subjects: readonly string[],
): Promise<ToldIdentity[]> {
  const statement = `${SELECT} and told.kind = $2 and told.subject = any($3)`;
  return (await from.query<StoredTold>(statement, [environmentId, kind, subjects])).rows.map(toldOf);
}

/** Those of the subjects that the environment is to be told of, and has not been told of yet. */
export async function wishedOfSubjects(
  from: Queryable,
  environmentId: string,
  kind: IdentityKind,
  subjects: readonly string[],
): Promise<ReadonlySet<string>> {
  const found = await from.query<{ subject: string }>(
    'select subject from identity_wishes where environment_id = $1 and kind = $2 and subject = any($3)',
    [environmentId, kind, subjects],
  );
  return new Set(found.rows.map(({ subject }) => subject));
}
