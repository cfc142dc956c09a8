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

/** Why no token is given: one text for the client, one name for logs and metrics. Neither repeats what was sent. */
export interface OAuthRefusal {
  readonly kind: 'refused';
  readonly error: OAuthError;
  readonly description: string;
  /** Stable name of the exact cause; may say more than the client is told. */
  readonly reason: string;
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
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

export const refusalAnswer = ({ status, headers, error, description }: OAuthRefusal): TokenHttpResponse =>
  jsonAnswer(status, { error, error_description: description }, headers);
