import type { ApiCallFacts } from '../../http/api-call.ts';
import { REVOCATION_SCHEMA } from './revocation-requests.ts';

const REVOCATION = {
  ...{ by: 'user', value: 'api-user', issuedBefore: '2026-11-22T10:00:01.000Z', endsAt: '2026-11-22T12:00:00.000Z' },
};

export const LIST_REVOCATIONS: ApiCallFacts = {
  ...{ tag: 'Environments', summary: 'Revoked access tokens of an environment', permission: 'ADMIN' },
  description:
    'What was revoked through apiops, by whose order, when and why (header `X-Change-Reason`), newest first, at most 1,000. `by` ' +
    'is `token` (`value` is a `jti`), `family` (one login), `user`, `client` or `everybody`; `issuedBefore` null means tokens ' +
    'whenever they were issued, `endsAt` null that a token that is meant may never expire. What clients revoke themselves at ' +
    'gateways is not listed.',
  result: { ...REVOCATION, at: '2026-11-22T10:00:00.000Z', actor: 'ann', reason: 'INC-4711', isTold: true },
};

export const REVOKE_TOKENS: ApiCallFacts = {
  ...{ tag: 'Environments', summary: 'Revoke access tokens in every gateway of an environment', permission: 'ADMIN' },
  description:
    'One token by its `jti`, all of a user (`sub`), all of a client (`client_id`), or all there are, as far as they were issued ' +
    'before `issuedBefore`: ISO 8601, not in the future, now when it is left out. Logins that began before it cannot be ' +
    'refreshed either. The revocation is recorded, told to the gateways and waited for, at most DEPLOY_TIMEOUT_MS: `success` ' +
    'says whether every live gateway obeys it. Where that takes longer, or the Redis of the environment cannot be reached, it ' +
    'goes on by itself. There is no way back: whoever is meant logs in again.',
  body: {
    schema: REVOCATION_SCHEMA,
    examples: {
      'a token': { jti: '7d4c1c3e-3a53-4c1b-9a5e-6d2f0a4f0b6e' },
      'a user': { username: 'api-user' },
      'a client since it leaked': { clientId: 'api-client', issuedBefore: '2026-01-01T00:00:00Z' },
      everybody: { everybody: true },
    },
  },
  result: {
    ...{ environmentName: 'production', ...REVOCATION, success: true, message: 'All 2 live gateways obey it' },
    gateways: { live: 2, obeying: 2, pending: 0 },
    detailList: [
      { gatewayId: 'gateway-1', success: true, detail: 'obeys it' },
      { gatewayId: 'gateway-2', success: true, detail: 'obeys it' },
    ],
  },
};
