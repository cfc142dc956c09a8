import { RefreshTokenStoreUnavailable, type RefreshTokenStore } from '#libs/refresh-token-store';
import { RevocationLedgerUnavailable } from '#libs/token-revocations';
import { BrowserRules } from './browser/browser-rules.ts';
import { IntrospectEndpoint } from './endpoints/introspect-endpoint.ts';
import { JwtEndpoint } from './endpoints/jwt-endpoint.ts';
import { RevokeEndpoint } from './endpoints/revoke-endpoint.ts';
import { refused, type ServiceEndpoint, type Settled, type TokenTrail } from './endpoints/token-trail.ts';
import type { GrantServices } from './grants/grant.ts';
import { IdentityUnavailable, type IdentityDirectory, type IssuerDirectory } from './identity/identity.port.ts';
import type { ClientSecretFailures } from './identity/client-secret-failures.ts';
import type { CredentialPasswords } from './identity/credential-passwords.ts';
import { LoginThrottleUnavailable } from './identity/login-throttle/login-throttle.port.ts';
import { refuse, serverError, unavailable, type OAuthRefusal } from './protocol/oauth-refusal.ts';
import type { TokenHttpRequest, TokenHttpResponse } from './protocol/token-http.ts';
import { publicAnswer } from './public-documents/public-document.ts';
import { serverMetadata } from './public-documents/server-metadata.ts';
import { publishedKeySet } from './published-keys/key-set-answer.ts';
import type { PublishedKeys } from './published-keys/published-keys.ts';
import { AuthService } from './services/auth-service.ts';
import { CredentialClients } from './services/credential-clients.ts';
import { CredentialService } from './services/credential-service.ts';
import {
  isTokenPath,
  tokenPlaceAt,
  type TokenEndpointName,
  type TokenPlace,
  type TokenServiceName,
} from './services/token-places.ts';
import type { TokenService } from './services/token-service.ts';

export interface TokenAnswered extends Omit<TokenTrail, 'place' | 'cors'>, TokenPlace {
  /** `issued`, `refreshed`, `introspected`, `revoked`, or the OAuth error. */
  readonly outcome: string;
  /** Stable name of the exact cause. */
  readonly reason: string;
  readonly clientAddress: string;
  readonly correlationId: string;
  readonly durationMs: number;
}

/** For metrics and logs. Nothing told here holds a token, a password or a secret. */
export interface TokenEndpointEvents {
  readonly onAnswered?: (what: TokenAnswered) => void;
  /** A fault of the gateway itself, answered with 500. */
  readonly onUnexpected?: (error: unknown, correlationId: string) => void;
}

export interface TokenEndpointDependencies {
  readonly identities: IdentityDirectory;
  readonly issuers: IssuerDirectory;
  readonly refreshTokens: RefreshTokenStore;
  readonly publishedKeys: PublishedKeys;
  /** What this gateway knows of revoked tokens and logins. */
  readonly revocations: GrantServices['revocations'];
  /** Revokes access tokens at every gateway. */
  readonly revocationWriter: GrantServices['revocationWriter'];
  readonly events?: TokenEndpointEvents;
  readonly passwords: CredentialPasswords;
  readonly clientSecrets: ClientSecretFailures;
}

/** Endpoints that clients name themselves at; the others tell anybody the same. */
type ServiceEndpointName = Exclude<TokenEndpointName, 'keys' | 'metadata'>;
type ServicePlace = TokenPlace & { readonly endpoint: ServiceEndpointName };

const NOWHERE: OAuthRefusal = refuse('invalid_request', 'There is no such endpoint.', 'no-such-endpoint', {
  status: 404,
});

/** The token services of every proxy whose policy issues tokens, and the keys to verify these with (contract part 6). */
export class TokenEndpoint {
  private readonly services: ReadonlyMap<TokenServiceName, TokenService>;
  private readonly endpoints: { readonly [Name in ServiceEndpointName]: ServiceEndpoint };
  private readonly browserRules: BrowserRules;

  constructor(private readonly deps: TokenEndpointDependencies) {
    const { identities, issuers, refreshTokens, revocations, revocationWriter, passwords } = deps;
    this.services = new Map<TokenServiceName, TokenService>([
      ['auth', new AuthService(identities, issuers)],
      ['credential', new CredentialService(new CredentialClients(identities, passwords), issuers)],
    ]);
    const parts = { identities, refreshTokens, revocations, revocationWriter, passwords };
    this.endpoints = {
      jwt: new JwtEndpoint(parts),
      introspect: new IntrospectEndpoint(parts),
      revoke: new RevokeEndpoint(parts),
    };
    this.browserRules = new BrowserRules(issuers);
  }

  /** Whether a path belongs to the token services and never to a proxy. */
  owns(path: string): boolean {
    return isTokenPath(path);
  }

  /** Answers any request whose path it owns, its own faults with 500. */
  async handle(request: TokenHttpRequest): Promise<TokenHttpResponse> {
    const place = tokenPlaceAt(request.path);
    if (place === undefined) return refused(NOWHERE).answer;
    const { service, endpoint } = place;
    const { issuers, publishedKeys } = this.deps;
    if (endpoint === 'keys') return publicAnswer(request, () => publishedKeySet(service, publishedKeys));
    if (endpoint === 'metadata') {
      return publicAnswer(request, () => serverMetadata(service, issuers.all(), request.publicOrigin));
    }
    return this.browserRules.preflightAnswer(service, request) ?? this.answer({ service, endpoint }, request);
  }

  private async answer(place: ServicePlace, request: TokenHttpRequest): Promise<TokenHttpResponse> {
    const trail: TokenTrail = { place, grantType: 'none' };
    const startedMs = performance.now();
    let settled: Settled;
    try {
      settled = await this.settle(place, request, trail);
    } catch (error) {
      settled = refused(this.failure(error, request));
    }
    this.tell(request, trail, settled, performance.now() - startedMs);
    return this.browserRules.readable(settled.answer, place.service, request, trail.cors);
  }

  private async settle({ service: name, endpoint }: ServicePlace, request: TokenHttpRequest, trail: TokenTrail) {
    const service = this.services.get(name);
    if (service === undefined) return refused(NOWHERE);
    const settled = await this.endpoints[endpoint].settle(service, request, trail);
    // Passwords, which are the secrets under `/credential`, were counted where they were checked.
    const blocked = name === 'auth' ? await this.deps.clientSecrets.count(request, settled.reason) : undefined;
    return blocked === undefined ? settled : refused(blocked);
  }

  private tell(request: TokenHttpRequest, trail: TokenTrail, settled: Settled, durationMs: number): void {
    const { place, grantType, clientId, proxy } = trail;
    const { outcome, reason, about } = settled;
    // One literal: taken apart and spread, this object alone was 3 KB in V8's old space, and 4 µs.
    this.deps.events?.onAnswered?.({
      service: place.service,
      endpoint: place.endpoint,
      grantType,
      clientId,
      proxy,
      subject: about?.subject ?? trail.subject,
      familyId: about?.familyId ?? trail.familyId,
      outcome,
      reason,
      clientAddress: request.clientAddress,
      correlationId: request.correlationId,
      durationMs,
    });
  }

  private failure(error: unknown, request: TokenHttpRequest): OAuthRefusal {
    const isAway =
      error instanceof RefreshTokenStoreUnavailable ||
      error instanceof IdentityUnavailable ||
      error instanceof LoginThrottleUnavailable ||
      error instanceof RevocationLedgerUnavailable;
    if (isAway) return unavailable('The token service cannot be used for a moment.', error.code);
    this.deps.events?.onUnexpected?.(error, request.correlationId);
    return serverError();
  }
}
