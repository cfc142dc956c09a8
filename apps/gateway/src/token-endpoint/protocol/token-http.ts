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
    if (rawHeaders[at]?.toLowerCase() === name) values.push(rawHeaders[at + 1] ?? '');
  }
  return values;
}

/** A JSON answer that nobody may keep (RFC 6749 section 5.1). */
export const jsonAnswer = (
  status: number,
  body: object,
  headers: TokenHttpResponse['headers'] = [],
): TokenHttpResponse => ({
  status,
  headers: [
    ['Content-Type', 'application/json;charset=UTF-8'],
    ['Cache-Control', 'no-store'],
    ['Pragma', 'no-cache'],
    ...headers,
  ],
  body: JSON.stringify(body),
});
