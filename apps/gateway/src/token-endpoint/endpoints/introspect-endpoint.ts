import { whyLoginIsOver, type RefreshTokenInspection } from '#libs/refresh-token-store';
import { tokenIdOf } from '#libs/token-revocations';
import { givesRefreshTokens, refreshTokenRulesOf, type GrantServices } from '../grants/grant.ts';
import { standingOf } from '../identity/user-standing.ts';
import { readParameters } from '../protocol/form-parameters.ts';
import { REFRESH_TOKEN_REASON } from '../protocol/refresh-token-refusals.ts';
import { methodNotAllowed } from '../protocol/oauth-refusal.ts';
import { jsonAnswer, type TokenHttpRequest } from '../protocol/token-http.ts';
import { authenticateClient } from './identify-client.ts';
import { readPresentedToken, tokenParameterOf, type Asker, type PresentedToken } from './presented-token.ts';
import { refused, type ServiceEndpoint, type Settled, type TokenTrail } from './token-trail.ts';

type AccessToken = Extract<PresentedToken, { readonly kind: 'access-token' }>;
type LiveRefreshToken = Extract<RefreshTokenInspection, { readonly kind: 'live' }>;

/** `members` of an active token; `reason` tells logs why there are none. Whoever asks is told no more than that. */
type Finding = {
  readonly reason: string;
  readonly members?: Readonly<Record<string, unknown>>;
  readonly familyId?: string;
  readonly subject?: string;
};

const inactive = (reason: string): Finding => ({ reason });
const secondsOf = (ms: number): number => Math.floor(ms / 1_000);

/** `POST /auth/introspect` and `/credential/introspect` (RFC 7662). */
export class IntrospectEndpoint implements ServiceEndpoint {
  constructor(private readonly services: Pick<GrantServices, 'identities' | 'refreshTokens' | 'revocations'>) {}

  /** Always needs the client's secret (RFC 7662 section 2.1), and tells of nobody else's tokens (section 4). */
  async settle(service: Asker['service'], request: TokenHttpRequest, trail: TokenTrail): Promise<Settled> {
    if (request.method !== 'POST') return refused(methodNotAllowed('POST'));
    const read = readParameters(request);
    if (read.kind === 'refused') return refused(read);
    const client = await authenticateClient(service, request, read.parameters, trail);
    if (client.kind === 'refused') return refused(client);
    const asked = tokenParameterOf(read.parameters);
    if (asked.kind === 'refused') return refused(asked);
    const found = await this.find(asked.token, { service, client, nowMs: request.nowMs });
    const { members, reason, familyId, subject } = found;
    if (familyId !== undefined) trail.familyId = familyId;
    if (subject !== undefined) trail.subject = subject;
    const body = members === undefined ? { active: false } : { active: true, ...members };
    return { answer: jsonAnswer(200, body), outcome: 'introspected', reason };
  }

  private async find(token: string, asker: Asker): Promise<Finding> {
    const presented = await readPresentedToken(token, asker, this.services.refreshTokens);
    switch (presented.kind) {
      case 'nothing':
        return inactive(presented.reason);
      case 'access-token':
        return this.accessToken(presented, asker);
      case 'refresh-token': {
        const { inspection } = presented;
        return inspection.kind === 'live' ? this.refreshToken(inspection, asker) : inactive('refresh-token-used');
      }
    }
  }

  /** Active is what the proxy it is for would take. */
  private async accessToken({ claims, issuer, subject }: AccessToken, asker: Asker): Promise<Finding> {
    if (this.services.revocations.isRevoked(claims)) return inactive('access-token-revoked');
    const { sub, client_id: clientId, scope, exp, iat, aud, iss, jti } = claims;
    const isOfUser = sub !== clientId || issuer.contract.grantType === 'PASSWORD';
    // Under /auth a token stands for itself until it is revoked; under /credential its user is looked at on every call.
    if (isOfUser && asker.service.name === 'credential') {
      const fault = await this.userFault(subject, undefined, asker);
      if (fault !== undefined) return inactive(fault);
    }
    const username = isOfUser ? sub : undefined;
    const members = { scope, client_id: clientId, username, token_type: 'Bearer', exp, iat, sub, aud, iss, jti };
    return { reason: 'access-token', members, subject };
  }

  /**
   * Active is what the client could refresh with. It is for the token service alone, so that is its `aud`; and it has no
   * `token_type`, which is the way an access token is used (RFC 6749 section 7.1): nobody may take it for one.
   */
  private async refreshToken(live: LiveRefreshToken, asker: Asker): Promise<Finding> {
    const { subject: login, familyId, startedAtMs, issuedAtMs, expiresAtMs } = live;
    const { subject: sub, clientId: client_id, scope, proofId } = login;
    const issuance = asker.service.issuanceOf(asker.client, login, asker.nowMs);
    if (issuance.kind === 'refused') return inactive(issuance.reason);
    const { rules, issuer } = issuance;
    if (!givesRefreshTokens(rules)) return inactive('refresh-not-allowed');
    const over = whyLoginIsOver(live, refreshTokenRulesOf(rules), asker.nowMs);
    if (over !== undefined) return inactive(REFRESH_TOKEN_REASON[over]);
    const loginClaims = { sub, client_id, jti: tokenIdOf(familyId, ''), iat: secondsOf(startedAtMs) };
    if (this.services.revocations.isRevoked(loginClaims)) return inactive('login-revoked');
    const isOfUser = rules.grantType === 'PASSWORD';
    if (!isOfUser && sub !== client_id) return inactive('other-grant-type');
    const fault = isOfUser ? await this.userFault(sub, { proofId }, asker) : undefined;
    if (fault !== undefined) return inactive(fault);
    const times = { exp: secondsOf(expiresAtMs), iat: secondsOf(issuedAtMs) };
    const username = isOfUser ? sub : undefined;
    const members = { scope, client_id, username, ...times, sub, aud: issuer.issuer, iss: issuer.issuer };
    return { reason: 'refresh-token', members, familyId, subject: sub };
  }

  /** What stands against a user, wherever it may ask from: the client asks, not the user. */
  private async userFault(
    username: string,
    login: { readonly proofId: string | undefined } | undefined,
    { client, nowMs }: Asker,
  ): Promise<string | undefined> {
    const found = await this.services.identities.credential(username);
    const standing = standingOf(found, { project: client.project, clientAddress: '', nowMs });
    if (standing.kind !== 'good' && standing.kind !== 'foreign-address') return standing.kind;
    const isSamePassword = login === undefined || login.proofId === found?.passwordId;
    return isSamePassword ? undefined : 'password-changed';
  }
}
