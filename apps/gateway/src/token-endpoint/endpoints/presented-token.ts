import type { JsonObject } from '#libs/jwt-engine';
import type { LinkedIssuer } from '#libs/policy-runtime';
import type { RefreshTokenInspection, RefreshTokenStore } from '#libs/refresh-token-store';
import type { Parameters } from '../protocol/form-parameters.ts';
import { refuse, type OAuthRefusal } from '../protocol/oauth-refusal.ts';
import { REFRESH_TOKEN_REASON } from '../protocol/refresh-token-refusals.ts';
import type { KnownClient, TokenService } from '../services/token-service.ts';

/** Who asks about a token, where and when. */
export interface Asker {
  readonly service: TokenService;
  readonly client: KnownClient;
  readonly nowMs: number;
}

type Known<Kind> = Extract<RefreshTokenInspection, { readonly kind: Kind }>;

/** What a text is to the client that sent it. */
export type PresentedToken =
  | {
      readonly kind: 'access-token';
      readonly issuer: LinkedIssuer;
      readonly claims: JsonObject;
      /** `sub` and `jti`, which every token that a gateway issued has (RFC 9068 section 2.2). */
      readonly subject: string;
      readonly tokenId: string;
    }
  | { readonly kind: 'refresh-token'; readonly inspection: Known<'live'> | Known<'used'> }
  /** No token, or none of this client. */
  | { readonly kind: 'nothing'; readonly reason: string };

/** Outcome of asking for the one parameter that both questions about tokens need (RFC 7009 and 7662, section 2.1). */
export type TokenParameter = { readonly kind: 'token'; readonly token: string } | OAuthRefusal;

export function tokenParameterOf(parameters: Parameters): TokenParameter {
  const token = parameters.get('token');
  if (token === undefined) return refuse('invalid_request', 'The token parameter is required.', 'no-token');
  return { kind: 'token', token };
}

/**
 * Finds out what a token is. Its text tells the kind, so `token_type_hint` is not needed (RFC 7009 section 2.1: it may be
 * ignored) and a wrong one does no harm.
 *
 * @throws RefreshTokenStoreUnavailable
 */
export async function readPresentedToken(
  token: string,
  { service, client, nowMs }: Asker,
  refreshTokens: Pick<RefreshTokenStore, 'inspect'>,
): Promise<PresentedToken> {
  const { clientId } = client;
  for (const issuer of service.issuersOf(client, nowMs)) {
    const read = issuer.readAccessToken(token, nowMs);
    if (!read.ok) continue;
    const { claims } = read.jwt;
    const { sub: subject, jti: tokenId } = claims;
    const isOwn = claims['client_id'] === clientId && typeof subject === 'string' && typeof tokenId === 'string';
    if (!isOwn) return { kind: 'nothing', reason: 'access-token-foreign' };
    return { kind: 'access-token', issuer, claims, subject, tokenId };
  }
  const inspection = await refreshTokens.inspect(token, { clientId }, nowMs);
  if (inspection.kind === 'live' || inspection.kind === 'used') return { kind: 'refresh-token', inspection };
  const reason = inspection.kind === 'unknown' ? 'unknown-token' : REFRESH_TOKEN_REASON[inspection.kind];
  return { kind: 'nothing', reason };
}
