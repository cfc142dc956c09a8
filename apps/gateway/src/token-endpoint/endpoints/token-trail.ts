import type { ArtifactCors } from '#libs/policy-contracts';
import type { OAuthRefusal } from '../protocol/oauth-refusal.ts';
import { refusalAnswer } from '../protocol/oauth-refusal.ts';
import type { TokenHttpRequest, TokenHttpResponse } from '../protocol/token-http.ts';
import type { TokenPlace } from '../services/token-places.ts';
import type { TokenService } from '../services/token-service.ts';

/** What became known of a request on its way; for metrics and logs. */
export interface TokenTrail {
  readonly place: TokenPlace;
  /** One of the known grant types; `other` or `none` for what is not one. */
  grantType: string;
  /** `project/proxy`, once it is known. */
  proxy?: string | undefined;
  /** Of a client that exists. */
  clientId?: string | undefined;
  /** Of a user that exists, or the client itself. */
  subject?: string | undefined;
  /** Of the login that tokens belong to. */
  familyId?: string | undefined;
  /** CORS settings of the proxies that the client asks for, once it is known; not for logs. */
  cors?: readonly (ArtifactCors | undefined)[];
}

/** One endpoint of a token service. */
export interface ServiceEndpoint {
  settle(service: TokenService, request: TokenHttpRequest, trail: TokenTrail): Promise<Settled>;
}

/** The answer, and what it is called in metrics and logs. */
export interface Settled {
  readonly answer: TokenHttpResponse;
  /** `issued`, `refreshed`, `introspected`, `revoked`, or the OAuth error. */
  readonly outcome: string;
  /** Stable name of the exact cause. */
  readonly reason: string;
  /** Whom a refusal is about. */
  readonly about?: OAuthRefusal['about'];
}

export const refused = (refusal: OAuthRefusal): Settled => ({
  answer: refusalAnswer(refusal),
  outcome: refusal.error,
  reason: refusal.reason,
  about: refusal.about,
});
