import type { RefreshTokenRefusal, RefreshTokenSubject } from '#libs/refresh-token-store';
import { standingOf } from '../identity/user-standing.ts';
import { refuse, type OAuthRefusal } from '../protocol/oauth-refusal.ts';
import { grantScope, type ScopeGrant } from '../protocol/scope.ts';
import {
  givesRefreshTokens,
  refreshTokenRulesOf,
  type Grant,
  type GrantOutcome,
  type GrantRequest,
  type GrantServices,
} from './grant.ts';

/** One text for every cause: it must not tell what a token once was. */
const badToken = (reason: string): OAuthRefusal => refuse('invalid_grant', 'The refresh token is not valid.', reason);

/** Names for logs and metrics; `refresh-token-reused` and `refresh-token-altered` are alarms. */
const REASON: { readonly [Kind in RefreshTokenRefusal['kind']]: string } = {
  unknown: 'refresh-token-unknown',
  expired: 'refresh-token-expired',
  reused: 'refresh-token-reused',
  'uses-exhausted': 'refresh-token-uses-exhausted',
  foreign: 'refresh-token-foreign',
  altered: 'refresh-token-altered',
};

/**
 * Whether who logged in may still have tokens, and for what: the scope of the login, without the roles that the user
 * has lost since, narrowed as asked for (RFC 6749 section 6). A login by a password that is no longer the user's, or was
 * that of another user of the name, is ended (contract 6).
 */
async function admit(
  login: RefreshTokenSubject,
  request: GrantRequest,
  { identities, refreshTokens }: GrantServices,
): Promise<ScopeGrant> {
  const granted = login.scope?.split(' ') ?? [];
  const requested = request.parameters.get('scope');
  if (request.issuer.contract.grantType === 'CLIENT_CREDENTIALS') {
    const isOfClient = login.subject === request.client.clientId && login.proofId === undefined;
    if (!isOfClient) return badToken('other-grant-type');
    return grantScope(requested, granted);
  }
  const found = await identities.credential(login.subject);
  const { client, clientAddress, nowMs } = request;
  const standing = standingOf(found, { project: client.project, clientAddress, nowMs });
  if (standing.kind !== 'good') return badToken(standing.kind);
  const { roles, passwordId } = standing.credential;
  if (login.proofId !== passwordId) {
    await refreshTokens.revokeToken(request.parameters.get('refresh_token') ?? '');
    return badToken('password-changed');
  }
  return grantScope(
    requested,
    granted.filter((name) => roles.includes(name)),
  );
}

/**
 * Looks first, so that a refusal or an outage while the user is looked up costs the client nothing; then claims the
 * token. From there on the client can repeat its request and gets the same successor.
 */
async function refresh(request: GrantRequest, services: GrantServices): Promise<GrantOutcome> {
  const { parameters, client, issuer, nowMs } = request;
  const token = parameters.get('refresh_token');
  if (token === undefined) {
    return refuse('invalid_request', 'The parameter refresh_token is required.', 'no-refresh-token');
  }
  const expected = { proxyId: client.proxyId, policy: issuer.policyName, clientId: client.clientId };
  const seen = await services.refreshTokens.inspect(token, expected, nowMs);
  const admitted = seen.kind === 'live' ? await admit(seen.subject, request, services) : undefined;
  if (admitted?.kind === 'refused') return admitted;

  const rules = refreshTokenRulesOf(issuer.contract);
  const rotation = await services.refreshTokens.rotate(token, expected, rules, nowMs);
  if (rotation.kind !== 'rotated' && rotation.kind !== 'repeated') return badToken(REASON[rotation.kind]);
  const granted = admitted ?? (await admit(rotation.subject, request, services));
  if (granted.kind === 'refused') return granted;
  return {
    kind: 'granted',
    outcome: 'refreshed',
    reason: rotation.kind,
    subject: rotation.subject.subject,
    scope: granted.scope,
    refreshToken: rotation,
  };
}

/** RFC 6749 section 6. */
export const refreshTokenGrant: Grant = {
  grantType: 'refresh_token',
  parameters: new Set(['refresh_token', 'scope']),
  alwaysNeedsSecret: false,
  isAllowedBy: givesRefreshTokens,
  handler: refresh,
};
