import { endOf, type TokenRevocation } from '#libs/token-revocations';
import type { GrantServices } from '../grants/grant.ts';
import { badClient } from '../identity/client-authentication.ts';
import { readParameters, type Parameters } from '../protocol/form-parameters.ts';
import { methodNotAllowed, type OAuthRefusal } from '../protocol/oauth-refusal.ts';
import { EMPTY_ANSWER, type TokenHttpRequest } from '../protocol/token-http.ts';
import { loginRevocation } from '../services/login-revocation.ts';
import type { KnownClient } from '../services/token-service.ts';
import { identifyClient } from './identify-client.ts';
import { readPresentedToken, tokenParameterOf, type Asker, type PresentedToken } from './presented-token.ts';
import { refused, type ServiceEndpoint, type Settled, type TokenTrail } from './token-trail.ts';

type OwnToken = Exclude<PresentedToken, { readonly kind: 'nothing' }>;
type AccessToken = Extract<PresentedToken, { readonly kind: 'access-token' }>;
type OfLogin = Extract<PresentedToken, { readonly kind: 'refresh-token' }>;

function accessTokenRevocation({ tokenId, claims }: AccessToken): TokenRevocation {
  const { exp } = claims;
  const endsAtMs = typeof exp === 'number' ? endOf(exp * 1_000) : null;
  return { by: 'token', value: tokenId, issuedUntilSeconds: null, endsAtMs };
}

/** `POST /auth/revoke` and `/credential/revoke` (RFC 7009). */
export class RevokeEndpoint implements ServiceEndpoint {
  constructor(private readonly services: Pick<GrantServices, 'refreshTokens' | 'revocationWriter' | 'revocations'>) {}

  /** 200 for whatever is no token of the client either (RFC 7009 section 2.2): it must not tell which tokens there are. */
  async settle(service: Asker['service'], request: TokenHttpRequest, trail: TokenTrail): Promise<Settled> {
    if (request.method !== 'POST') return refused(methodNotAllowed('POST'));
    const read = readParameters(request);
    if (read.kind === 'refused') return refused(read);
    const { parameters } = read;
    const client = await this.authorize(service, request, parameters, trail);
    if (client.kind === 'refused') return refused(client);
    const asked = tokenParameterOf(parameters);
    if (asked.kind === 'refused') return refused(asked);
    const asker = { service, client, nowMs: request.nowMs };
    const presented = await readPresentedToken(asked.token, asker, this.services.refreshTokens);
    if (presented.kind !== 'nothing') await this.revoke(asked.token, presented, asker, trail);
    const reason = presented.kind === 'nothing' ? presented.reason : presented.kind;
    return { answer: EMPTY_ANSWER, outcome: 'revoked', reason };
  }

  /** A client without a secret ends tokens with its name alone (RFC 7009 section 2.1): it has to have them for that. */
  private async authorize(
    service: Asker['service'],
    request: TokenHttpRequest,
    parameters: Parameters,
    trail: TokenTrail,
  ): Promise<KnownClient | OAuthRefusal> {
    const identified = await identifyClient(service, request, parameters, trail);
    if (identified.kind === 'refused') return identified;
    const { client, isBasic } = identified;
    if (client.hasProvenSecret) return client;
    const issuance = service.issuanceFor(client, parameters, request.nowMs);
    const isPublic = !service.alwaysNeedsSecret && issuance.kind === 'issuance' && !issuance.rules.requireClientSecret;
    return isPublic ? client : badClient(isBasic, 'wrong-client-secret');
  }

  private async revoke(token: string, presented: OwnToken, asker: Asker, trail: TokenTrail): Promise<void> {
    if (presented.kind === 'refresh-token') return this.endLogin(token, presented, asker, trail);
    trail.subject = presented.subject;
    await this.services.revocationWriter.revoke([accessTokenRevocation(presented)]);
  }

  /**
   * The access tokens first: as long as they are not revoked the refresh token is there, and repeating the request finds
   * the login again. The other way round a failure in between would leave tokens that nobody can name any more.
   */
  private async endLogin(token: string, { inspection }: OfLogin, asker: Asker, trail: TokenTrail): Promise<void> {
    const { familyId, subject: login } = inspection;
    trail.subject = login.subject;
    trail.familyId = familyId;
    const issuance = asker.service.issuanceOf(asker.client, login, asker.nowMs);
    const rules = issuance.kind === 'issuance' ? issuance.rules : undefined;
    const { revocationWriter, refreshTokens, revocations: known } = this.services;
    await revocationWriter.revoke([loginRevocation(inspection, rules, { nowMs: asker.nowMs, known })]);
    await refreshTokens.revokeToken(token);
  }
}
