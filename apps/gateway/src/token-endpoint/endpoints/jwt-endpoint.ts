import { takeRandomBytes } from '#libs/refresh-token-store';
import { tokenIdOf } from '#libs/token-revocations';
import { REVOKED_LOGIN, type Grant, type Granted, type GrantServices } from '../grants/grant.ts';
import { GRANTS } from '../grants/grants.ts';
import { badClient } from '../identity/client-authentication.ts';
import { readParameters, type Parameters } from '../protocol/form-parameters.ts';
import { methodNotAllowed, refuse, type OAuthRefusal } from '../protocol/oauth-refusal.ts';
import { tokenAnswer } from '../protocol/token-answer.ts';
import type { TokenHttpRequest, TokenHttpResponse } from '../protocol/token-http.ts';
import type { Issuance, KnownClient, TokenService } from '../services/token-service.ts';
import { identifyClient, type IdentifiedClient } from './identify-client.ts';
import { refused, type ServiceEndpoint, type Settled, type TokenTrail } from './token-trail.ts';

interface Identified extends IdentifiedClient {
  readonly grant: Grant;
  readonly parameters: Parameters;
}

interface Authorized {
  readonly kind: 'authorized';
  readonly grant: Grant;
  readonly client: KnownClient;
  readonly issuance: Issuance;
  readonly parameters: Parameters;
}

function grantOf(
  parameters: Parameters,
  trail: TokenTrail,
): { readonly kind: 'grant'; readonly grant: Grant } | OAuthRefusal {
  const grantType = parameters.get('grant_type');
  if (grantType === undefined) {
    return refuse('invalid_request', 'The parameter grant_type is required.', 'no-grant-type');
  }
  const grant = GRANTS.get(grantType);
  trail.grantType = grant?.grantType ?? 'other';
  if (grant !== undefined) return { kind: 'grant', grant };
  return refuse('unsupported_grant_type', 'This grant type is not supported.', 'unsupported-grant-type');
}

function onlyOf(names: ReadonlySet<string>, parameters: Parameters): Parameters {
  const only = new Map<string, string>();
  for (const name of names) {
    const value = parameters.get(name);
    if (value !== undefined) only.set(name, value);
  }
  return only;
}

/** `POST /auth/jwt` and `/credential/jwt`: the token endpoint of RFC 6749 section 3.2. */
export class JwtEndpoint implements ServiceEndpoint {
  constructor(private readonly services: GrantServices) {}

  async settle(service: TokenService, request: TokenHttpRequest, trail: TokenTrail): Promise<Settled> {
    const revocationChanges = this.services.revocations.changes;
    const authorized = await this.authorize(service, request, trail);
    if (authorized.kind === 'refused') return refused(authorized);
    const { grant, client, issuance, parameters } = authorized;
    const { clientAddress, nowMs } = request;
    const own = onlyOf(grant.parameters, parameters);
    const asked = { service, client, issuance, parameters: own, clientAddress, nowMs, revocationChanges };
    const granted = await grant.handler(asked, this.services);
    if (granted.kind === 'refused') return refused(granted);
    trail.subject = granted.subject;
    if (granted.refreshToken !== undefined) trail.familyId = granted.refreshToken.familyId;
    const answer = await this.mint(granted, authorized, nowMs);
    if ('kind' in answer) return refused(answer);
    return { answer, outcome: granted.outcome, reason: granted.reason };
  }

  /** What is asked for, and by whom; nothing is proven yet. */
  private async identify(
    service: TokenService,
    request: TokenHttpRequest,
    trail: TokenTrail,
  ): Promise<Identified | OAuthRefusal> {
    const read = readParameters(request);
    if (read.kind === 'refused') return read;
    const { parameters } = read;
    const asked = grantOf(parameters, trail);
    if (asked.kind === 'refused') return asked;
    const identified = await identifyClient(service, request, parameters, trail);
    if (identified.kind === 'refused') return identified;
    const { kind, client, isBasic } = identified;
    return { kind, client, isBasic, grant: asked.grant, parameters };
  }

  private async authorize(
    service: TokenService,
    request: TokenHttpRequest,
    trail: TokenTrail,
  ): Promise<Authorized | OAuthRefusal> {
    const isGet = request.method === 'GET';
    if (isGet ? request.queryString === '' : request.method !== 'POST') return methodNotAllowed('POST');
    const identified = await this.identify(service, request, trail);
    if (identified.kind === 'refused') return identified;
    const issuance = await this.issuanceFor(service, identified, request);
    if (issuance.kind === 'issuance') {
      if (isGet && !issuance.rules.allowUrlParameters) return methodNotAllowed('POST');
      trail.proxy = issuance.title;
    }
    return permit(service, identified, issuance);
  }

  private async issuanceFor(
    service: TokenService,
    { grant, client, parameters }: Identified,
    { clientAddress, nowMs }: TokenHttpRequest,
  ): Promise<Issuance | OAuthRefusal> {
    const asked = { service, client, parameters, clientAddress, nowMs };
    return grant.issuanceFor?.(asked, this.services) ?? service.issuanceFor(client, parameters, nowMs);
  }

  /** Looks at revocations once more: nothing waits between that and the access token. */
  private async mint(
    granted: Granted,
    { client, issuance }: Authorized,
    nowMs: number,
  ): Promise<TokenHttpResponse | OAuthRefusal> {
    const { issuer, terms } = issuance;
    const { subject, scope, refreshToken, startedAtMs } = granted;
    const jti = tokenIdOf(refreshToken?.familyId, takeRandomBytes(16).toString('base64url'));
    const claims = { sub: subject, client_id: client.clientId, jti, scope };
    const { sub, client_id } = claims;
    if (this.services.revocations.isRevoked({ sub, client_id, jti, iat: Math.floor(startedAtMs / 1_000) })) {
      await this.takeBack(granted);
      return REVOKED_LOGIN;
    }
    try {
      const access = issuer.issueAccessToken(claims, Math.max(nowMs, startedAtMs), terms);
      const given = {
        accessToken: access.token,
        accessExpiresInMs: access.expiresInMs,
        refreshToken: refreshToken?.token,
        refreshExpiresInMs: refreshToken === undefined ? 0 : refreshToken.expiresAtMs - nowMs,
        scope,
      };
      return tokenAnswer(given, issuer.expiresInUnit);
    } catch (error) {
      // A refresh can be repeated.
      if (granted.outcome === 'issued') await this.takeBack(granted);
      throw error;
    }
  }

  /** A refresh token that nobody gets would count as active. */
  private async takeBack({ refreshToken }: Granted): Promise<void> {
    if (refreshToken !== undefined)
      await this.services.refreshTokens.revokeToken(refreshToken.token).catch(() => false);
  }
}

/** A client that has not proven its secret learns nothing of what it might have had. */
function permit(
  { alwaysNeedsSecret }: TokenService,
  identified: Identified,
  issuance: Issuance | OAuthRefusal,
): Authorized | OAuthRefusal {
  const { grant, client, isBasic, parameters } = identified;
  const isOptional = issuance.kind === 'issuance' && !issuance.rules.requireClientSecret;
  const needsSecret = alwaysNeedsSecret || grant.alwaysNeedsSecret || !isOptional;
  if (needsSecret && !client.hasProvenSecret) return badClient(isBasic, 'wrong-client-secret');
  if (issuance.kind === 'refused') return issuance;
  if (!grant.isAllowedBy(issuance.rules)) {
    return refuse('unauthorized_client', 'This client may not use this grant type.', 'grant-not-allowed');
  }
  return { kind: 'authorized', grant, client, issuance, parameters };
}
