import type { RefreshTokenSubject } from '#libs/refresh-token-store';
import { tokenIdOf } from '#libs/token-revocations';
import { standingOf } from '../identity/user-standing.ts';
import { badRefreshToken } from '../protocol/refresh-token-refusals.ts';
import { grantScope, type ScopeGrant } from '../protocol/scope.ts';
import type { GrantRequest, GrantServices } from './grant.ts';

/** What a token is a refresh token of. */
export interface Login {
  readonly familyId: string;
  readonly subject: RefreshTokenSubject;
  /** Epoch milliseconds. */
  readonly startedAtMs: number;
}

/** A login is revoked as its access tokens are: by its family, its user or its client, up to a second. */
const isRevoked = ({ familyId, subject, startedAtMs }: Login, { revocations }: GrantServices): boolean =>
  revocations.isRevoked({
    sub: subject.subject,
    client_id: subject.clientId,
    jti: tokenIdOf(familyId, ''),
    iat: Math.floor(startedAtMs / 1_000),
  });

async function endLogin(reason: string, request: GrantRequest, { refreshTokens }: GrantServices) {
  await refreshTokens.revokeToken(request.parameters.get('refresh_token') ?? '');
  return badRefreshToken(reason);
}

/** The scope of the login without the roles that were lost since, narrowed as asked for (RFC 6749 section 6). */
const scopeOf = ({ subject }: Login, roles: readonly string[], request: GrantRequest): ScopeGrant =>
  grantScope(
    request.parameters.get('scope'),
    (subject.scope?.split(' ') ?? []).filter((name) => roles.includes(name)),
  );

async function admitClient(login: Login, request: GrantRequest, services: GrantServices): Promise<ScopeGrant> {
  const { clientId, proofId, roles } = request.client;
  const { subject, proofId: provenBy } = login.subject;
  if (subject !== clientId || (provenBy === undefined) !== (proofId === undefined)) {
    return badRefreshToken('other-grant-type');
  }
  if (provenBy !== proofId) return endLogin('password-changed', request, services);
  return scopeOf(login, roles, request);
}

/**
 * Whether who logged in may still have tokens, and for what. A login by a password that is no longer the user's, or was
 * that of another user of the name, is ended (contract 6), and so is one that was revoked.
 */
export async function admit(login: Login, request: GrantRequest, services: GrantServices): Promise<ScopeGrant> {
  if (isRevoked(login, services)) return endLogin('login-revoked', request, services);
  if (request.issuance.rules.grantType === 'CLIENT_CREDENTIALS') return admitClient(login, request, services);
  const found = await services.identities.credential(login.subject.subject);
  const { client, clientAddress, nowMs } = request;
  const standing = standingOf(found, { project: client.project, clientAddress, nowMs });
  if (standing.kind !== 'good') return badRefreshToken(standing.kind);
  const { roles, passwordId } = standing.credential;
  if (login.subject.proofId !== passwordId) return endLogin('password-changed', request, services);
  return scopeOf(login, roles, request);
}
