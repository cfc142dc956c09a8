import { projection } from '../persistence/read-models.ts';
import type {
  AccessGranted,
  AccessRevoked,
  CredentialCreated,
  CredentialDeleted,
  CredentialUpdated,
  TokenSettingsChanged,
} from './domain/credential.decider.ts';

/** The access list without the proxies of `$2`, in its order. */
const WITHOUT = `(select coalesce(jsonb_agg(granted.one order by granted.place), '[]')
  from jsonb_array_elements(access) with ordinality granted(one, place)
  where granted.one ->> 'proxyId' <> all($2::text[]))`;

export const credentialsProjection = projection('credentials', 'read_credentials', {
  CredentialCreated: (transaction, event) => {
    const data = event.data as CredentialCreated['data'];
    const { credentialId, projectId, username, email, fullName, description, enabled, expiresAt } = data;
    const lists = [data.roles, data.ipList, data.metadata].map((list) => JSON.stringify(list));
    return transaction.query(
      `insert into read_credentials
         (credential_id, project_id, username, email, full_name, description, enabled, expires_at, roles, ip_list, metadata)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
      [credentialId, projectId, username, email, fullName, description, enabled, expiresAt, ...lists],
    );
  },
  CredentialUpdated: (transaction, event) => {
    const data = event.data as CredentialUpdated['data'];
    const { credentialId, email, fullName, description, enabled, expiresAt } = data;
    const lists = [data.roles, data.ipList, data.metadata].map((list) => JSON.stringify(list));
    return transaction.query(
      `update read_credentials set email = $2, full_name = $3, description = $4, enabled = $5, expires_at = $6,
         roles = $7, ip_list = $8, metadata = $9
       where credential_id = $1`,
      [credentialId, email, fullName, description, enabled, expiresAt, ...lists],
    );
  },
  AccessGranted: async (transaction, event) => {
    const { credentialId, access } = event.data as AccessGranted['data'];
    const ids = access.map(({ proxyId }) => proxyId);
    await transaction.query(`update read_credentials set access = ${WITHOUT} || $3::jsonb where credential_id = $1`, [
      credentialId,
      ids,
      JSON.stringify(access),
    ]);
  },
  AccessRevoked: (transaction, event) => {
    const { credentialId, proxyIds } = event.data as AccessRevoked['data'];
    return transaction.query(`update read_credentials set access = ${WITHOUT} where credential_id = $1`, [
      credentialId,
      proxyIds,
    ]);
  },
  TokenSettingsChanged: (transaction, event) => {
    const { credentialId, tokenSettings } = event.data as TokenSettingsChanged['data'];
    return transaction.query('update read_credentials set token_settings = $2 where credential_id = $1', [
      credentialId,
      JSON.stringify(tokenSettings),
    ]);
  },
  CredentialDeleted: (transaction, event) =>
    transaction.query('delete from read_credentials where credential_id = $1', [
      (event.data as CredentialDeleted['data']).credentialId,
    ]),
});
