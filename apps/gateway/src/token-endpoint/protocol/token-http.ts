export interface TokenHttpRequest {
  /** Upper case. */
  readonly method: string;
  readonly path: string;
  /** Without the question mark; '' when there is none. */
  readonly queryString: string;
  /** Name, value, name, value … as node:http gives them. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  readonly clientAddress: string;
  /** Scheme and authority that the client reached the gateway by, as `https://host:port`; undefined: none that can be written. */
  readonly publicOrigin: string | undefined;
  /** Epoch milliseconds. */
  readonly nowMs: number;
  readonly correlationId: string;
}

export interface TokenHttpResponse {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

/** Every value of a header; `name` in lower case. */
export function headerValues(rawHeaders: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const written = rawHeaders[at] ?? '';
    // The length first: it spares writing nearly every name anew in lower case.
    if (written.length === name.length && written.toLowerCase() === name) values.push(rawHeaders[at + 1] ?? '');
  }
  return values;
}

/** Nobody may keep an answer (RFC 6749 section 5.1). */
const NOT_KEPT: TokenHttpResponse['headers'] = [
  ['Cache-Control', 'no-store'],
  ['Pragma', 'no-cache'],
];

const KEPT_BY_NOBODY_JSON: TokenHttpResponse['headers'] = [
  ['Content-Type', 'application/json;charset=UTF-8'],
  ...NOT_KEPT,
];

/** 200 without a body (RFC 7009 section 2.2). */
export const EMPTY_ANSWER: TokenHttpResponse = { status: 200, headers: NOT_KEPT, body: '' };

/** A JSON answer that nobody may keep. */
export const jsonAnswer = (
  status: number,
  body: object,
  headers: TokenHttpResponse['headers'] = [],
): TokenHttpResponse => ({
  status,
  headers: headers.length === 0 ? KEPT_BY_NOBODY_JSON : [...KEPT_BY_NOBODY_JSON, ...headers],
  body: JSON.stringify(body),
});
