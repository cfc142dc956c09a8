import { projection } from '../persistence/read-models.ts';
import type { EnvironmentCreated } from './domain/environment.decider.ts';

export const environmentsProjection = projection('environments', 'read_environments', {
  EnvironmentCreated: (transaction, event) => {
    const { environmentId, name, description, tokenIssuer, expiresInUnit } = event.data as EnvironmentCreated['data'];
    return transaction.query(
      `insert into read_environments (environment_id, name, description, token_issuer, expires_in_unit)
       values ($1, $2, $3, $4, $5)`,
      [environmentId, name, description, tokenIssuer, expiresInUnit],
    );
  },
});
