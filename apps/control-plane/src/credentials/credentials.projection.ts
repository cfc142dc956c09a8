import { projection } from '../persistence/read-models.ts';
import type { CredentialCreated, CredentialDeleted, CredentialUpdated } from './domain/credential.decider.ts';

export const credentialsProjection = projection('credentials', 'read_credentials', {
  CredentialCreated: (transaction, event) => {
    const data = event.data as CredentialCreated['data'];
    const { credentialId, projectId, username, email, fullName, description, enabled, expiresAt, roles } = data;
    return transaction.query(
      `insert into read_credentials
         (credential_id, project_id, username, email, full_name, description, enabled, expires_at, roles)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [credentialId, projectId, username, email, fullName, description, enabled, expiresAt, JSON.stringify(roles)],
    );
  },
  CredentialUpdated: (transaction, event) => {
    const data = event.data as CredentialUpdated['data'];
    const { credentialId, email, fullName, description, enabled, expiresAt, roles } = data;
    return transaction.query(
      `update read_credentials set email = $2, full_name = $3, description = $4, enabled = $5, expires_at = $6, roles = $7
       where credential_id = $1`,
      [credentialId, email, fullName, description, enabled, expiresAt, JSON.stringify(roles)],
    );
  },
  CredentialDeleted: (transaction, event) =>
    transaction.query('delete from read_credentials where credential_id = $1', [
      (event.data as CredentialDeleted['data']).credentialId,
    ]),
});
