import { rowProjection, whenThere, withoutRow } from '../persistence/row-projection.ts';
import type {
  EnvironmentCreated,
  EnvironmentDeleted,
  EnvironmentSettings,
  EnvironmentUpdated,
} from './domain/environment.decider.ts';

interface EnvironmentRow {
  readonly environment_id: string;
  readonly name: string;
  readonly description: string;
  readonly token_issuer: string;
  readonly expires_in_unit: string;
  readonly own_redis: boolean;
}

type Told = EnvironmentCreated | EnvironmentUpdated | EnvironmentDeleted;

const settingsOf = ({ description, tokenIssuer, expiresInUnit, redisUrl }: EnvironmentSettings) => ({
  ...{ description, token_issuer: tokenIssuer, expires_in_unit: expiresInUnit },
  own_redis: redisUrl !== null,
});

export const environmentsProjection = rowProjection<EnvironmentRow, Told>({
  ...{ name: 'environments', table: 'read_environments', key: 'environment_id' },
  columns: {
    ...{ environment_id: 'text', name: 'text', description: 'text', token_issuer: 'text', expires_in_unit: 'text' },
    own_redis: 'boolean',
  },
  keyOf: ({ data }) => data.environmentId,
  evolve: {
    EnvironmentCreated: (_, { data }) => ({
      ...{ environment_id: data.environmentId, name: data.name },
      ...settingsOf(data),
    }),
    EnvironmentUpdated: whenThere((row, { data }) => ({ ...row, ...settingsOf(data) })),
    EnvironmentDeleted: withoutRow,
  },
});
