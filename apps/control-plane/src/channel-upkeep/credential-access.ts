import type { Queryable } from '../persistence/secret-vault.ts';
import { wishIdentity } from './identity-wishes.ts';

/** Notes, in the transaction of the grant, which proxies a credential's access list names. */
export async function noteAccess(
  transaction: Queryable,
  credentialId: string,
  proxyIds: readonly string[],
): Promise<void> {
  await transaction.query(
    `insert into credential_access (proxy_id, credential_id) select unnest($1::text[]), $2 on conflict do nothing`,
    [proxyIds, credentialId],
  );
}

/** @param proxyIds left out: all of them, the credential is deleted. */
export async function forgetAccess(
  transaction: Queryable,
  credentialId: string,
  proxyIds?: readonly string[],
): Promise<void> {
  await transaction.query(
    'delete from credential_access where credential_id = $1 and ($2::text[] is null or proxy_id = any($2))',
    [credentialId, proxyIds ?? null],
  );
}

/**
 * A proxy is being deleted: the environments hear of every user whose access list names it, so that no proxy that gets
 * its name later is taken for it. To be called once its name is free: whoever grants access holds the name meanwhile.
 */
export async function endAccessTo(transaction: Queryable, proxyId: string): Promise<void> {
  const ended = await transaction.query<{ credential_id: string; username: string }>(
    `with ended as (delete from credential_access where proxy_id = $1 returning credential_id)
     select ended.credential_id, names.name as username
     from ended join names on names.kind = 'credential' and names.entity_id = ended.credential_id order by names.name`,
    [proxyId],
  );
  for (const { credential_id: entityId, username: subject } of ended.rows) {
    await wishIdentity(transaction, { kind: 'credential', subject, entityId });
  }
}
