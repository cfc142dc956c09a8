import { jsonAnswer, type TokenHttpResponse } from './token-http.ts';

export interface GivenTokens {
  readonly accessToken: string;
  /** Undefined: never. */
  readonly accessExpiresInMs: number | undefined;
  readonly refreshToken: string | undefined;
  readonly refreshExpiresInMs: number;
  readonly scope: string | undefined;
}

/** Whole seconds, rounded down but not to 0, which says that a token never expires (contract part 6). */
const inUnit = (ms: number, unit: 'SECONDS' | 'MILLISECONDS'): number =>
  unit === 'MILLISECONDS' ? ms : Math.max(1, Math.floor(ms / 1_000));

/** The answer of RFC 6749 section 5.1; `unit` is the environment's. */
export function tokenAnswer(given: GivenTokens, unit: 'SECONDS' | 'MILLISECONDS'): TokenHttpResponse {
  const { accessToken, accessExpiresInMs, refreshToken, refreshExpiresInMs, scope } = given;
  return jsonAnswer(200, {
    access_token: accessToken,
    token_type: 'Bearer',
    expires_in: accessExpiresInMs === undefined ? 0 : inUnit(accessExpiresInMs, unit),
    // What is undefined is left out of the text.
    refresh_token: refreshToken,
    refresh_token_expires_in: refreshToken === undefined ? undefined : inUnit(refreshExpiresInMs, unit),
    scope,
  });
}
