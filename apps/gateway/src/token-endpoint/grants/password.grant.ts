import { standingOf } from '../identity/user-standing.ts';
import { refuse, unavailable, type OAuthRefusal } from '../protocol/oauth-refusal.ts';
import { grantScope } from '../protocol/scope.ts';
import { grantLogin, type Grant, type GrantOutcome, type GrantRequest, type GrantServices } from './grant.ts';

/** One text for every cause: it must not tell which users there are. */
const badUser = (reason: string): OAuthRefusal =>
  refuse('invalid_grant', 'The user name or the password is wrong.', reason);

async function logIn(request: GrantRequest, services: GrantServices): Promise<GrantOutcome> {
  const { parameters, client, clientAddress, nowMs } = request;
  const username = parameters.get('username');
  const password = parameters.get('password');
  if (username === undefined || password === undefined) {
    return refuse('invalid_request', 'The parameters username and password are required.', 'no-username-or-password');
  }
  const found = await services.identities.credential(username);
  const check = await services.passwords.check(found, password);
  if (check === 'busy') return unavailable('Too many logins at once.', 'password-checks-full');
  const standing = standingOf(found, { project: client.project, clientAddress, nowMs });
  if (check === 'wrong') return badUser(found === undefined ? 'unknown-user' : 'wrong-password');
  if (standing.kind !== 'good') return badUser(standing.kind);
  const granted = grantScope(parameters.get('scope'), standing.credential.roles);
  if (granted.kind === 'refused') return granted;
  const login = { subject: username, scope: granted.scope, proofId: standing.credential.passwordId };
  return grantLogin(request, login, services.refreshTokens);
}

/** RFC 6749 section 4.3. */
export const passwordGrant: Grant = {
  grantType: 'password',
  parameters: new Set(['username', 'password', 'scope']),
  alwaysNeedsSecret: false,
  isAllowedBy: ({ grantType }) => grantType === 'PASSWORD',
  handler: logIn,
};
