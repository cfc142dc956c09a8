import { jsonAnswer, type TokenHttpResponse } from './token-http.ts';

/** An error without a line here does not exist (RFC 6749 section 5.2; the last two are 4.1.2.1's, as answers of a server). */
export const OAUTH_ERROR_STATUS = {
  invalid_request: 400,
  invalid_client: 401,
  invalid_grant: 400,
  unauthorized_client: 400,
  unsupported_grant_type: 400,
  invalid_scope: 400,
  temporarily_unavailable: 503,
  server_error: 500,
} as const;

export type OAuthError = keyof typeof OAUTH_ERROR_STATUS;

/** Whom a refusal is about, where they exist. */
export interface RefusalSubject {
  readonly subject?: string | undefined;
  readonly familyId?: string | undefined;
}

/** Why no token is given: one text for the client, one name for logs and metrics. Neither repeats what was sent. */
export interface OAuthRefusal {
  readonly kind: 'refused';
  readonly error: OAuthError;
  readonly description: string;
  /** Stable name of the exact cause; may say more than the client is told. */
  readonly reason: string;
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  /** Whom it is about, for logs: a user that exists, a login. */
  readonly about?: RefusalSubject | undefined;
}

/** `status` where HTTP has a more exact one than the error's own. */
export const refuse = (
  error: OAuthError,
  description: string,
  reason: string,
  http: { readonly status?: number; readonly headers?: OAuthRefusal['headers'] } = {},
): OAuthRefusal => ({
  kind: 'refused',
  error,
  description,
  reason,
  status: http.status ?? OAUTH_ERROR_STATUS[error],
  headers: http.headers ?? [],
});

/** Something the endpoint needs is away or full for a moment. */
export const unavailable = (description: string, reason: string): OAuthRefusal =>
  refuse('temporarily_unavailable', description, reason, { headers: [['Retry-After', '1']] });

/**
 * Too many logins failed: nothing was looked at, so nothing is said of user or password. RFC 6749 has no error for 429;
 * this one tells a client to come back, where `invalid_grant` would tell it to ask its user for another password.
 */
export const tooManyFailures = (retryAfterSeconds: number, about?: RefusalSubject): OAuthRefusal => ({
  ...refuse('temporarily_unavailable', 'Too many logins have failed. Try again later.', 'login-blocked', {
    status: 429,
    headers: [['Retry-After', String(retryAfterSeconds)]],
  }),
  about,
});

/** A fault of the gateway itself. */
export const serverError = (): OAuthRefusal =>
  refuse('server_error', 'The request could not be carried out.', 'unexpected');

/** RFC 9110 section 15.5.6. */
export const methodNotAllowed = (allowed: string): OAuthRefusal =>
  refuse('invalid_request', 'This method is not allowed here.', 'method-not-allowed', {
    status: 405,
    headers: [['Allow', allowed]],
  });

export const refusalAnswer = ({ status, headers, error, description }: OAuthRefusal): TokenHttpResponse =>
  jsonAnswer(status, { error, error_description: description }, headers);
