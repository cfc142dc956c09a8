import type { ApiCallFacts } from '../http/api-call.ts';
import { ENVIRONMENT_SCHEMA, NEW_ENVIRONMENT_SCHEMA } from './environment-requests.ts';

const VIEW = {
  ...{ name: 'production', description: 'Production environment', tokenIssuer: 'https://gatewarden/production' },
  ...{ expiresInUnit: 'SECONDS', ownRedis: false },
};
const KEY_ID = '6f1d2c3b4a596877';
const GATEWAY_KEY = 'gwk_… (shown this once)';

const SETTINGS =
  '`redisUrl` is write-only; without it the environment shares the Redis of the control plane. `tokenIssuer` (default ' +
  '`https://gatewarden/<name>`, unique) is the `iss` of its tokens. `expiresInUnit` is the unit of `expires_in` in answers ' +
  'of its token endpoints.';

export const LIST_ENVIRONMENTS: ApiCallFacts = {
  ...{ tag: 'Environments', summary: 'List the environments', permission: 'ANY_TOKEN', result: VIEW },
};
export const GET_ENVIRONMENT: ApiCallFacts = {
  ...{ tag: 'Environments', summary: 'One environment', permission: 'ANY_TOKEN', result: VIEW },
};
export const LIST_ENVIRONMENTS_OF_PROJECT: ApiCallFacts = {
  ...{ tag: 'Environments', summary: 'The environments that a project may use', permission: 'VIEW' },
  description: 'All there are.',
  result: { environmentName: 'production', ...VIEW },
};
export const CREATE_ENVIRONMENT: ApiCallFacts = {
  ...{ tag: 'Environments', summary: 'Create an environment', permission: 'ADMIN' },
  description: `${SETTINGS} The answer has the first gateway key, which is not shown again.`,
  body: {
    schema: NEW_ENVIRONMENT_SCHEMA,
    examples: {
      shared: { name: 'production', description: 'Production environment' },
      'a Redis of its own': { name: 'staging', redisUrl: 'redis://redis.staging.internal:6379' },
    },
  },
  result: { ...VIEW, gatewayKey: GATEWAY_KEY },
};
export const REPLACE_ENVIRONMENT: ApiCallFacts = {
  ...{ tag: 'Environments', summary: "Replace an environment's settings", permission: 'ADMIN' },
  description:
    `${SETTINGS} What is left out has its default again, but for the Redis: nobody can read its address back, so that it ` +
    'stays when it is left out; `ownRedis:false` goes back to that of the control plane. Another `tokenIssuer` or ' +
    '`expiresInUnit` deploys what is deployed there again, and tokens of another issuer are refused from then on; another ' +
    'Redis has everything published again. The name cannot change.',
  body: {
    schema: ENVIRONMENT_SCHEMA,
    examples: {
      settings: { description: 'Production environment', tokenIssuer: 'https://login.example.com' },
      'back to the shared Redis': { ownRedis: false },
    },
  },
  result: VIEW,
  deploys: true,
};
export const DELETE_ENVIRONMENT: ApiCallFacts = {
  ...{ tag: 'Environments', summary: 'Delete an environment', permission: 'ADMIN' },
  description:
    'Refused (409) while proxies are deployed there or environment variables have values for it. Its keys and secrets are ' +
    'destroyed, and with them its refresh tokens.',
};
export const LIST_GATEWAY_KEYS: ApiCallFacts = {
  ...{ tag: 'Environments', summary: 'The gateway keys of an environment, by id', permission: 'ADMIN' },
  result: { keyId: KEY_ID },
};
export const ADD_GATEWAY_KEY: ApiCallFacts = {
  ...{ tag: 'Environments', summary: 'Make one more gateway key', permission: 'ADMIN' },
  description: 'Those that are there stay valid: start the gateways with the new one, then revoke the old one.',
  result: { keyId: KEY_ID, gatewayKey: GATEWAY_KEY },
};
export const REVOKE_GATEWAY_KEY: ApiCallFacts = {
  ...{ tag: 'Environments', summary: 'Revoke a gateway key', permission: 'ADMIN' },
  description: 'The last one cannot be revoked (409).',
};
