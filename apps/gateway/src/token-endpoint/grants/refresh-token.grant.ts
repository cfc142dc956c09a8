import { refuse, type OAuthRefusal } from '../protocol/oauth-refusal.ts';
import { badRefreshToken, REFRESH_TOKEN_REASON } from '../protocol/refresh-token-refusals.ts';
import type { Issuance } from '../services/token-service.ts';
import {
  givesRefreshTokens,
  refreshTokenRulesOf,
  type Grant,
  type GrantOutcome,
  type GrantRequest,
  type GrantServices,
} from './grant.ts';
import { admit } from './login-admission.ts';
import { longestLived, raiseReuseAlarm } from './reuse-alarm.ts';

const NO_TOKEN = refuse('invalid_request', 'The parameter refresh_token is required.', 'no-refresh-token');

/**
 * By what a token is refreshed: under `/auth` by what the client's proxy issues by, under `/credential` by what gave the
 * token, unless the client says by `resource` what that was.
 */
async function issuanceFor(
  request: Omit<GrantRequest, 'issuance' | 'revocationChanges'>,
  services: GrantServices,
): Promise<Issuance | OAuthRefusal> {
  const { service, client, parameters, nowMs } = request;
  if (service.name === 'auth' || parameters.has('resource')) return service.issuanceFor(client, parameters, nowMs);
  const token = parameters.get('refresh_token');
  if (token === undefined) return NO_TOKEN;
  const seen = await services.refreshTokens.inspect(token, { clientId: client.clientId }, nowMs);
  if (seen.kind === 'live' || seen.kind === 'used') return service.issuanceOf(client, seen.subject, nowMs);
  if (seen.kind !== 'reused') return badRefreshToken(REFRESH_TOKEN_REASON[seen.kind]);
  // An alarm that is repeated: what the token was of went with its family.
  return raiseReuseAlarm(seen, longestLived(service.rulesOf(client, nowMs)), nowMs, services);
}

/**
 * Looks first, so that a refusal or an outage while the user is looked up costs the client nothing; then claims the
 * token. From there on the client can repeat its request and gets the same successor.
 */
async function refresh(request: GrantRequest, services: GrantServices): Promise<GrantOutcome> {
  const { parameters, client, issuance, nowMs } = request;
  const token = parameters.get('refresh_token');
  if (token === undefined) return NO_TOKEN;
  const { proxyId, policy, rules } = issuance;
  const expected = { proxyId, policy, clientId: client.clientId };
  const seen = await services.refreshTokens.inspect(token, expected, nowMs);
  const admitted = seen.kind === 'live' ? await admit(seen, request, services) : undefined;
  if (admitted?.kind === 'refused') return admitted;

  const presented = seen.kind === 'live' ? seen.seen : token;
  const rotation = await services.refreshTokens.rotate(presented, expected, refreshTokenRulesOf(rules), nowMs);
  if (rotation.kind === 'reused') return raiseReuseAlarm('familyId' in seen ? seen : rotation, rules, nowMs, services);
  if (rotation.kind !== 'rotated' && rotation.kind !== 'repeated') {
    return badRefreshToken(REFRESH_TOKEN_REASON[rotation.kind]);
  }
  const granted = admitted ?? (await admit(rotation, request, services));
  if (granted.kind === 'refused') return granted;
  return {
    kind: 'granted',
    outcome: 'refreshed',
    reason: rotation.kind,
    subject: rotation.subject.subject,
    scope: granted.scope,
    refreshToken: rotation,
    startedAtMs: rotation.startedAtMs,
  };
}

/** RFC 6749 section 6. */
export const refreshTokenGrant: Grant = {
  grantType: 'refresh_token',
  parameters: new Set(['refresh_token', 'scope']),
  alwaysNeedsSecret: false,
  isAllowedBy: givesRefreshTokens,
  issuanceFor,
  handler: refresh,
};
