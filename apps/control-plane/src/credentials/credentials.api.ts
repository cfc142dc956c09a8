import type { ApiCallFacts } from '../http/api-call.ts';
import { CREDENTIAL_SCHEMA, NEW_PASSWORD_SCHEMA } from './credential-requests.ts';

const LISTED = {
  username: 'api-user',
  email: 'user@example.com',
  fullName: 'John Doe',
  description: 'API user credential',
  enabled: true,
  expireDate: '2030-12-31T23:59:59.000Z',
  roleNameList: ['API_USER'],
  ipList: ['192.168.1.100', '10.0.0.0/8'],
  metadata: [
    {
      ...{ key: 'team', value: 'billing', secret: false },
      ...{ includeInJwt: false, includeInTokenResponse: false, jwtClaimName: null },
    },
  ],
  password: null,
};

const BODIES = {
  basic: {
    ...{ email: 'user@example.com', fullName: 'John Doe', description: 'API user credential' },
    ...{ username: 'api-user', password: 'SecurePassword123!', roleNameList: ['API_USER'] },
    ...{ enabled: true, ipList: [], expireDate: null },
  },
  restricted: {
    ...{ email: 'restricted@example.com', fullName: 'Restricted User', username: 'restricted-user' },
    ...{ password: 'SecurePassword123!', ipList: ['192.168.1.100', '10.0.0.0/8', '2001:db8::/32'] },
    ...{ expireDate: '2030-12-31T23:59:59.000Z', metadata: [{ key: 'team', value: 'billing' }] },
  },
};

const BODY_FACTS =
  'User names are unique over all projects. `ipList`: addresses and CIDRs, IPv4 and IPv6, that the user may ask for tokens ' +
  'from; empty: any; stored in canonical form. `roleNameList`: the scopes that the user may have. Metadata is kept and shown; ' +
  'entries that are to go into tokens or to be hidden are refused. Gateways know at once, without a deployment.';

export const LIST_CREDENTIALS: ApiCallFacts = {
  ...{ tag: 'Credentials', summary: 'List the credentials of a project', permission: 'VIEW', result: LISTED },
};
export const CREATE_CREDENTIAL: ApiCallFacts = {
  ...{ tag: 'Credentials', summary: 'Create a credential', description: BODY_FACTS, permission: 'MANAGE' },
  body: { schema: CREDENTIAL_SCHEMA, examples: BODIES },
};
export const REPLACE_CREDENTIAL: ApiCallFacts = {
  ...{ tag: 'Credentials', summary: 'Replace a credential, found by its user name', permission: 'MANAGE' },
  description: `${BODY_FACTS} Another password ends the logins of the user; the access list and the token settings stay.`,
  body: { schema: CREDENTIAL_SCHEMA, examples: BODIES },
};
export const GET_CREDENTIAL: ApiCallFacts = {
  ...{ tag: 'Credentials', summary: 'One credential with its access list and token settings', permission: 'VIEW' },
  result: {
    ...LISTED,
    credentialAccessList: [{ name: 'orders', type: 'API_PROXY', expireTime: null }],
    tokenSettings: null,
  },
};
export const CHANGE_PASSWORD: ApiCallFacts = {
  ...{ tag: 'Credentials', summary: 'Change the password of a credential', permission: 'MANAGE' },
  description: 'Another password ends the logins of the user.',
  body: { schema: NEW_PASSWORD_SCHEMA, examples: { password: { password: 'AnotherPassword123!' } } },
};
export const DELETE_CREDENTIAL: ApiCallFacts = {
  ...{ tag: 'Credentials', summary: 'Delete a credential', permission: 'MANAGE' },
  description: 'Its logins end with it, and its user name is free.',
};
