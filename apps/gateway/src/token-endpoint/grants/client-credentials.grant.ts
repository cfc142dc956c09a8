import { grantScope } from '../protocol/scope.ts';
import { grantLogin, type Grant } from './grant.ts';

/** RFC 6749 section 4.4. A client has no roles, so there is no scope to be had. */
export const clientCredentialsGrant: Grant = {
  grantType: 'client_credentials',
  parameters: new Set(['scope']),
  alwaysNeedsSecret: true,
  isAllowedBy: ({ grantType }) => grantType === 'CLIENT_CREDENTIALS',
  handler: async (request, { refreshTokens }) => {
    const granted = grantScope(request.parameters.get('scope'), []);
    if (granted.kind === 'refused') return granted;
    const login = { subject: request.client.clientId, scope: granted.scope, proofId: undefined };
    return grantLogin(request, login, refreshTokens);
  },
};
