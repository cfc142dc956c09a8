import { grantScope } from '../protocol/scope.ts';
import { grantLogin, type Grant } from './grant.ts';

/** RFC 6749 section 4.4. Only a credential has roles, so there is no scope to be had under `/auth`. */
export const clientCredentialsGrant: Grant = {
  grantType: 'client_credentials',
  parameters: new Set(['scope']),
  alwaysNeedsSecret: true,
  isAllowedBy: ({ grantType }) => grantType === 'CLIENT_CREDENTIALS',
  handler: async (request, services) => {
    const { clientId, roles, proofId } = request.client;
    const granted = grantScope(request.parameters.get('scope'), roles);
    if (granted.kind === 'refused') return granted;
    const login = { subject: clientId, scope: granted.scope, proofId };
    return grantLogin(request, login, services);
  },
};
