import type { ApiCallFacts } from '../http/api-call.ts';
import { ACCESS_SCHEMA, TOKEN_SETTINGS_SCHEMA } from './credential-requests.ts';
import { DEFAULT_TOKEN_SETTINGS } from './domain/token-settings.ts';

const ONE = { credentialAccessList: [{ name: 'orders', type: 'API_PROXY' }] };

export const LIST_ACCESS: ApiCallFacts = {
  ...{ tag: 'Credentials', summary: 'The proxies that a credential may use', permission: 'VIEW' },
  result: { name: 'orders', type: 'API_PROXY', expireTime: null },
};
export const GRANT_ACCESS: ApiCallFacts = {
  ...{ tag: 'Credentials', summary: 'Add proxies to the access list of a credential', permission: 'MANAGE' },
  description:
    'Access that is there already is a fault, and so is a name that no proxy of the project has; nothing is granted then. ' +
    '`expireTime`: ISO 8601, null for never. Access ends with its proxy: another one of the same name is not meant.',
  body: {
    schema: ACCESS_SCHEMA,
    examples: {
      one: ONE,
      forSomeTime: {
        credentialAccessList: [{ name: 'orders', type: 'API_PROXY', expireTime: '2030-12-31T23:59:59Z' }],
      },
    },
  },
};
export const REVOKE_ACCESS: ApiCallFacts = {
  ...{ tag: 'Credentials', summary: 'Take proxies off the access list of a credential', permission: 'MANAGE' },
  description: 'Access that is not there is a fault; nothing is revoked then. `expireTime` is not looked at.',
  body: { schema: ACCESS_SCHEMA, examples: { one: ONE } },
};

export const CHANGE_TOKEN_SETTINGS: ApiCallFacts = {
  ...{ tag: 'Credentials', summary: "Change some of a credential's own token settings", permission: 'MANAGE' },
  description:
    'Members that are left out or null stay as they are; the first change starts from the defaults that DELETE sets. ' +
    'Amounts, units and algorithms are those of `policy-auth-jwt`, and so is what one member asks of another.',
  body: {
    schema: TOKEN_SETTINGS_SCHEMA,
    examples: {
      basic: {
        ...{
          grantType: 'PASSWORD',
          tokenNeverExpires: false,
          tokenExpiresInAmount: 3600,
          tokenExpiresInUnit: 'SECONDS',
        },
        ...{ refreshTokenAllowed: true, refreshTokenCount: 1, refreshTokenExpiresInAmount: 7200 },
        ...{ refreshTokenExpiresInUnit: 'SECONDS', allowUrlParameters: false, jwtSignatureAlgorithm: 'RS256' },
        deletePrevious: false,
      },
      neverExpires: {
        ...{ grantType: 'CLIENT_CREDENTIALS', tokenNeverExpires: true, refreshTokenAllowed: false },
        ...{ allowUrlParameters: true, jwtSignatureAlgorithm: 'HS256' },
      },
    },
  },
  result: DEFAULT_TOKEN_SETTINGS,
};
export const RESET_TOKEN_SETTINGS: ApiCallFacts = {
  ...{ tag: 'Credentials', summary: "Set a credential's token settings to the defaults", permission: 'MANAGE' },
  result: DEFAULT_TOKEN_SETTINGS,
};
