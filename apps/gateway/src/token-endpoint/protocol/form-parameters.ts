import { refuse, type OAuthRefusal } from './oauth-refusal.ts';
import { headerValues, type TokenHttpRequest } from './token-http.ts';

export const LARGEST_FORM_BYTES = 65_536;

export type Parameters = ReadonlyMap<string, string>;
export type ParametersRead = { readonly kind: 'read'; readonly parameters: Parameters } | OAuthRefusal;

const FORM_TYPE = /^application\/x-www-form-urlencoded[ \t]*(?:;[ \t]*charset="?(?:utf-8|us-ascii)"?[ \t]*)?;?[ \t]*$/i;

/** One part of a form, decoded strictly; undefined when it is malformed or not UTF-8. */
export function decodeFormPart(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

function parseForm(text: string): ParametersRead {
  const names = new Set<string>();
  const parameters = new Map<string, string>();
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decodeFormPart(equals < 0 ? pair : pair.slice(0, equals));
    const value = decodeFormPart(equals < 0 ? '' : pair.slice(equals + 1));
    if (name === undefined || value === undefined) {
      return refuse('invalid_request', 'The parameters are not well encoded.', 'malformed-form');
    }
    if (names.has(name)) return refuse('invalid_request', 'A parameter was sent twice.', 'duplicate-parameter');
    names.add(name);
    // RFC 6749 section 3.2: a parameter without a value counts as left out.
    if (value !== '') parameters.set(name, value);
  }
  return { kind: 'read', parameters };
}

function parseBody(request: TokenHttpRequest): ParametersRead {
  const [type, ...others] = headerValues(request.rawHeaders, 'content-type');
  if (type === undefined || others.length > 0 || !FORM_TYPE.test(type)) {
    const description = 'The body must be application/x-www-form-urlencoded in UTF-8.';
    return refuse('invalid_request', description, 'content-type');
  }
  if (request.body.length > LARGEST_FORM_BYTES) {
    return refuse('invalid_request', 'The body is too large.', 'body-too-large', { status: 413 });
  }
  try {
    return parseForm(new TextDecoder('utf-8', { fatal: true }).decode(request.body));
  } catch {
    return refuse('invalid_request', 'The body is not UTF-8.', 'malformed-form');
  }
}

/** The parameters of a token request: of a GET from the query, of anything else from the body, never from both. */
export const readParameters = (request: TokenHttpRequest): ParametersRead =>
  request.method === 'GET' ? parseForm(request.queryString) : parseBody(request);
