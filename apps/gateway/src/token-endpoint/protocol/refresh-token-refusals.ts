import type { RefreshTokenRefusal } from '#libs/refresh-token-store';
import { refuse, type OAuthRefusal } from './oauth-refusal.ts';

/** One text for every cause: it must not tell what a token once was. */
export const badRefreshToken = (reason: string): OAuthRefusal =>
  refuse('invalid_grant', 'The refresh token is not valid.', reason);

/** Names for logs and metrics; `refresh-token-reused` and `refresh-token-altered` are alarms. */
export const REFRESH_TOKEN_REASON: { readonly [Kind in RefreshTokenRefusal['kind']]: string } = {
  unknown: 'refresh-token-unknown',
  expired: 'refresh-token-expired',
  reused: 'refresh-token-reused',
  'uses-exhausted': 'refresh-token-uses-exhausted',
  foreign: 'refresh-token-foreign',
  altered: 'refresh-token-altered',
};
