import { standingOf } from '../identity/user-standing.ts';
import { refuse, tooManyFailures, unavailable, type OAuthRefusal } from '../protocol/oauth-refusal.ts';
import { grantScope } from '../protocol/scope.ts';
import { grantLogin, type Grant, type GrantOutcome, type GrantRequest, type GrantServices } from './grant.ts';

/**
 * One text for every cause: it must not tell which users there are.
 *
 * @param subject of a user that exists: another text may be a password in the wrong field, and is not told to logs
 */
const badUser = (reason: string, subject: string | undefined): OAuthRefusal => ({
  ...refuse('invalid_grant', 'The user name or the password is wrong.', reason),
  about: { subject },
});

async function logIn(request: GrantRequest, services: GrantServices): Promise<GrantOutcome> {
  const { parameters, client, clientAddress, nowMs } = request;
  const username = parameters.get('username');
  const password = parameters.get('password');
  if (username === undefined || password === undefined) {
    return refuse('invalid_request', 'The parameters username and password are required.', 'no-username-or-password');
  }
  const found = await services.identities.credential(username);
  const standing = standingOf(found, { project: client.project, clientAddress, nowMs });
  const isWelcome = standing.kind === 'good';
  const claim = { username, credential: found, passwords: [password], isWelcome, clientAddress, nowMs };
  const checked = await services.passwords.check(claim);
  if (checked.kind === 'blocked') return tooManyFailures(checked.retryAfterSeconds, { subject: found?.username });
  if (checked.kind === 'busy') return unavailable('Too many logins at once.', 'password-checks-full');
  if (checked.kind === 'wrong')
    return badUser(found === undefined ? 'unknown-user' : 'wrong-password', found?.username);
  if (standing.kind !== 'good') return badUser(standing.kind, found?.username);
  const granted = grantScope(parameters.get('scope'), standing.credential.roles);
  if (granted.kind === 'refused') return granted;
  const login = { subject: username, scope: granted.scope, proofId: standing.credential.passwordId };
  return grantLogin(request, login, services);
}

/** RFC 6749 section 4.3. */
export const passwordGrant: Grant = {
  grantType: 'password',
  parameters: new Set(['username', 'password', 'scope']),
  alwaysNeedsSecret: false,
  isAllowedBy: ({ grantType }) => grantType === 'PASSWORD',
  handler: logIn,
};
