import { randomBytes } from 'node:crypto';
import type { ClientRecord } from '#libs/policy-contracts';
import type { LinkedIssuer } from '#libs/policy-runtime';
import { RefreshTokenStoreUnavailable, type RefreshTokenStore } from '#libs/refresh-token-store';
import type { Grant, Granted, GrantServices } from './grants/grant.ts';
import { GRANTS } from './grants/grants.ts';
import { badClient, findClient, readClientClaim, type KnownClient } from './identity/client-authentication.ts';
import { IdentityUnavailable, type IdentityDirectory, type IssuerDirectory } from './identity/identity.port.ts';
import { PasswordChecks, type PasswordCheckLimits } from './identity/password-checks.ts';
import { readParameters, type Parameters } from './protocol/form-parameters.ts';
import { refusalAnswer, refuse, unavailable, type OAuthRefusal } from './protocol/oauth-refusal.ts';
import { tokenAnswer } from './protocol/token-answer.ts';
import type { TokenHttpRequest, TokenHttpResponse } from './protocol/token-http.ts';

export interface TokenAnswered {
  /** One of the known grant types; `other` or `none` for what is not one. */
  readonly grantType: string;
  /** `issued`, `refreshed`, or the OAuth error. */
  readonly outcome: string;
  /** Stable name of the exact cause. */
  readonly reason: string;
  /** `project/proxy`, once it is known. */
  readonly proxy?: string;
  readonly correlationId: string;
}

/** For metrics and logs. Nothing told here holds a token, a password, a secret or a user. */
export interface TokenEndpointEvents {
  readonly onAnswered?: (what: TokenAnswered) => void;
  /** A fault of the gateway itself, answered with 500. */
  readonly onUnexpected?: (error: unknown, correlationId: string) => void;
}

export interface TokenEndpointDependencies {
  readonly identities: IdentityDirectory;
  readonly issuers: IssuerDirectory;
  readonly refreshTokens: RefreshTokenStore;
  readonly events?: TokenEndpointEvents;
  readonly passwordChecks?: PasswordCheckLimits;
}

/** What became known of a request on its way. */
interface Trail {
  grantType: string;
  proxy?: string;
}

interface Identified {
  readonly kind: 'identified';
  readonly grant: Grant;
  readonly client: KnownClient;
  readonly isBasic: boolean;
  readonly parameters: Parameters;
}

interface Authorized {
  readonly kind: 'authorized';
  readonly grant: Grant;
  readonly client: ClientRecord;
  readonly issuer: LinkedIssuer;
  readonly parameters: Parameters;
}

type Settled = { readonly answer: TokenHttpResponse; readonly outcome: string; readonly reason: string };

const OWN_TREES = /^\/(?:auth|credential)(?:\/|$)/;
const refused = (refusal: OAuthRefusal): Settled => ({
  answer: refusalAnswer(refusal),
  outcome: refusal.error,
  reason: refusal.reason,
});
const methodNotAllowed = (): OAuthRefusal =>
  refuse('invalid_request', 'This method is not allowed here.', 'method-not-allowed', {
    status: 405,
    headers: [['Allow', 'POST']],
  });

/** The OAuth 2.0 token endpoint of every proxy whose policy issues tokens (contract part 6). */
export class TokenEndpoint {
  private readonly services: GrantServices;

  constructor(private readonly deps: TokenEndpointDependencies) {
    const { identities, refreshTokens, passwordChecks } = deps;
    this.services = { identities, refreshTokens, passwords: new PasswordChecks(passwordChecks) };
  }

  /** Whether a path belongs to the token service and never to a proxy. */
  owns(path: string): boolean {
    return OWN_TREES.test(path);
  }

  /** Answers any request whose path it owns, its own faults with 500. */
  async handle(request: TokenHttpRequest): Promise<TokenHttpResponse> {
    const trail: Trail = { grantType: 'none' };
    let settled: Settled;
    try {
      settled = await this.settle(request, trail);
    } catch (error) {
      settled = refused(this.failure(error, request));
    }
    const { answer, outcome, reason } = settled;
    this.deps.events?.onAnswered?.({ ...trail, outcome, reason, correlationId: request.correlationId });
    return answer;
  }

  private async settle(request: TokenHttpRequest, trail: Trail): Promise<Settled> {
    if (request.path !== '/auth/jwt') {
      return refused(refuse('invalid_request', 'There is no such endpoint.', 'no-such-endpoint', { status: 404 }));
    }
    const authorized = await this.authorize(request, trail);
    if (authorized.kind === 'refused') return refused(authorized);
    const { grant, client, issuer, parameters } = authorized;
    const own = new Map([...parameters].filter(([name]) => grant.parameters.has(name)));
    const { clientAddress, nowMs } = request;
    const granted = await grant.handler({ client, issuer, parameters: own, clientAddress, nowMs }, this.services);
    if (granted.kind === 'refused') return refused(granted);
    const answer = await this.mint(granted, authorized, nowMs);
    return { answer, outcome: granted.outcome, reason: granted.reason };
  }

  /** What is asked for, and by whom; nothing is proven yet. */
  private async identify(request: TokenHttpRequest, trail: Trail): Promise<Identified | OAuthRefusal> {
    const read = readParameters(request);
    if (read.kind === 'refused') return read;
    const { parameters } = read;
    const asked = this.grantOf(parameters, trail);
    if (asked.kind === 'refused') return asked;
    const claim = readClientClaim(request.rawHeaders, parameters);
    if (claim.kind === 'refused') return claim;
    const client = await findClient(this.deps.identities, claim);
    if (client === undefined) return badClient(claim.isBasic, 'unknown-client');
    trail.proxy = `${client.record.project}/${client.record.proxy}`;
    return { kind: 'identified', grant: asked.grant, client, isBasic: claim.isBasic, parameters };
  }

  private async authorize(request: TokenHttpRequest, trail: Trail): Promise<Authorized | OAuthRefusal> {
    const isGet = request.method === 'GET';
    if (isGet ? request.queryString === '' : request.method !== 'POST') return methodNotAllowed();
    const identified = await this.identify(request, trail);
    if (identified.kind === 'refused') return identified;
    const issuer = this.deps.issuers.proxy(identified.client.record.proxyId)?.issuers[0];
    if (isGet && issuer?.contract.allowUrlParameters !== true) return methodNotAllowed();
    return this.permit(identified, issuer);
  }

  private permit(identified: Identified, issuer: LinkedIssuer | undefined): Authorized | OAuthRefusal {
    const { grant, client, isBasic, parameters } = identified;
    const needsSecret = grant.alwaysNeedsSecret || issuer?.contract.requireClientSecret !== false;
    if (needsSecret && !client.hasProvenSecret) return badClient(isBasic, 'wrong-client-secret');
    if (issuer === undefined) {
      return refuse('unauthorized_client', 'Nothing issues tokens for this client here.', 'no-issuer');
    }
    if (!grant.isAllowedBy(issuer.contract)) {
      return refuse('unauthorized_client', 'This client may not use this grant type.', 'grant-not-allowed');
    }
    return { kind: 'authorized', grant, client: client.record, issuer, parameters };
  }

  private grantOf(
    parameters: Parameters,
    trail: Trail,
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

  private async mint(granted: Granted, { client, issuer }: Authorized, nowMs: number): Promise<TokenHttpResponse> {
    const { subject, scope, refreshToken } = granted;
    const claims = { sub: subject, client_id: client.clientId, jti: randomBytes(16).toString('base64url') };
    try {
      const access = issuer.issueAccessToken(scope === undefined ? claims : { ...claims, scope }, nowMs);
      const given = {
        accessToken: access.token,
        accessExpiresInMs: access.expiresInMs,
        refreshToken: refreshToken?.token,
        refreshExpiresInMs: refreshToken === undefined ? 0 : refreshToken.expiresAtMs - nowMs,
        scope,
      };
      return tokenAnswer(given, issuer.expiresInUnit);
    } catch (error) {
      // A login can be repeated, but its first refresh token would count as active with nobody holding it.
      if (granted.outcome === 'issued' && refreshToken !== undefined) {
        await this.deps.refreshTokens.revokeToken(refreshToken.token).catch(() => false);
      }
      throw error;
    }
  }

  private failure(error: unknown, request: TokenHttpRequest): OAuthRefusal {
    if (error instanceof RefreshTokenStoreUnavailable || error instanceof IdentityUnavailable) {
      return unavailable('The token service cannot be used for a moment.', error.code);
    }
    this.deps.events?.onUnexpected?.(error, request.correlationId);
    return refuse('server_error', 'The token could not be made.', 'unexpected');
  }
}
