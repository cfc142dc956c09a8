import type { ApiCallFacts } from '../http/api-call.ts';

const query = { environmentName: { description: 'The environment whose gateways gave the tokens.', required: true } };

export const LIST_FAMILIES: ApiCallFacts = {
  ...{ tag: 'Credentials', summary: 'The logins of a user that can still be refreshed', permission: 'VIEW', query },
  description:
    'Oldest login first, from the Redis of the environment; 503 `unavailable` when that cannot be reached. Never token material. ' +
    '`lastUsedAt` is null before the first refresh, `startedBy` and `gateway` (the gateways of the login and of its newest ' +
    'token) where they are not known, `proxy` and `policy` where the own settings of a credential issued.',
  result: {
    ...{ family: 'q3J0c2VsZi1tYWRlLWlkLg', proxy: 'orders', policy: 'jwt-auth-policy' },
    ...{ clientId: '5f0e7f3c-3c55-4b3a-9d58-1d0f4f3b9d11', scope: 'API_USER' },
    ...{ startedAt: '2026-01-01T10:00:00.000Z', issuedAt: '2026-01-01T11:00:00.000Z' },
    ...{ expiresAt: '2026-01-31T11:00:00.000Z', uses: 1 },
    ...{ lastUsedAt: '2026-01-01T11:00:00.000Z', startedBy: 'gateway-1', gateway: 'gateway-2' },
  },
};
export const REVOKE_FAMILIES: ApiCallFacts = {
  ...{ tag: 'Credentials', summary: 'End all logins of a user in an environment', permission: 'MANAGE', query },
  description:
    'Their refresh tokens give nothing from now on, and within a second no gateway takes an access token any more that the user ' +
    'got until now, or another user through the credential as a client.',
  result: { revoked: 2 },
};
export const REVOKE_FAMILY: ApiCallFacts = {
  ...{ tag: 'Credentials', summary: 'End one login of a user in an environment', permission: 'MANAGE', query },
  description:
    'Its refresh token gives nothing from now on, and within a second no gateway takes its access tokens any more.',
  result: { revoked: 1 },
};
