import { projection } from '../persistence/read-models.ts';
import type { EnvironmentCreated, EnvironmentDeleted, EnvironmentUpdated } from './domain/environment.decider.ts';

export const environmentsProjection = projection('environments', 'read_environments', {
  EnvironmentCreated: (transaction, event) => {
    const data = event.data as EnvironmentCreated['data'];
    const { environmentId, name, description, tokenIssuer, expiresInUnit, redisUrl } = data;
    return transaction.query(
      `insert into read_environments (environment_id, name, description, token_issuer, expires_in_unit, own_redis)
       values ($1, $2, $3, $4, $5, $6)`,
      [environmentId, name, description, tokenIssuer, expiresInUnit, redisUrl !== null],
    );
  },
  EnvironmentUpdated: (transaction, event) => {
    const { environmentId, description, tokenIssuer, expiresInUnit, redisUrl } =
      event.data as EnvironmentUpdated['data'];
    return transaction.query(
      `update read_environments set description = $2, token_issuer = $3, expires_in_unit = $4, own_redis = $5
       where environment_id = $1`,
      [environmentId, description, tokenIssuer, expiresInUnit, redisUrl !== null],
    );
  },
  EnvironmentDeleted: (transaction, event) =>
    transaction.query('delete from read_environments where environment_id = $1', [
      (event.data as EnvironmentDeleted['data']).environmentId,
    ]),
});
