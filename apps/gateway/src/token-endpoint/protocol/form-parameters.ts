import { refuse, type OAuthRefusal } from './oauth-refusal.ts';
import { headerValues, type TokenHttpRequest } from './token-http.ts';

export const LARGEST_FORM_BYTES = 65_536;

const STRICT_UTF8 = new TextDecoder('utf-8', { fatal: true });

export type Parameters = ReadonlyMap<string, string>;
export type ParametersRead = { readonly kind: 'read'; readonly parameters: Parameters } | OAuthRefusal;

/** A form is ASCII whatever its charset (URL standard, section 5.1), and some clients name Latin-1; what it encodes has to be UTF-8. */
const FORM_TYPE =
  /^application\/x-www-form-urlencoded[ \t]*(?:;[ \t]*charset="?(?:utf-?8|us-ascii|iso-8859-1)"?[ \t]*)?;?[ \t]*$/i;

export const bodyTooLarge = (): OAuthRefusal =>
  refuse('invalid_request', 'The body is too large.', 'body-too-large', { status: 413 });

/** One part of a form, decoded strictly; undefined when it is malformed or not UTF-8. */
export function decodeFormPart(text: string): string | undefined {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text;
  if (!spaced.includes('%')) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    return undefined;
  }
}

function parseForm(text: string): ParametersRead {
  const parameters = new Map<string, string>();
  const valueless: string[] = [];
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decodeFormPart(equals < 0 ? pair : pair.slice(0, equals));
    const value = decodeFormPart(equals < 0 ? '' : pair.slice(equals + 1));
    if (name === undefined || value === undefined) {
      return refuse('invalid_request', 'The parameters are not well encoded.', 'malformed-form');
    }
    if (parameters.has(name)) return refuse('invalid_request', 'A parameter was sent twice.', 'duplicate-parameter');
    parameters.set(name, value);
    if (value === '') valueless.push(name);
  }
  // RFC 6749 section 3.2: a parameter without a value counts as left out, but is one that was sent.
  for (const name of valueless) parameters.delete(name);
  return { kind: 'read', parameters };
}

function parseBody(request: TokenHttpRequest): ParametersRead {
  const [type, ...others] = headerValues(request.rawHeaders, 'content-type');
  if (type === undefined || others.length > 0 || !FORM_TYPE.test(type)) {
    const description = 'The body must be application/x-www-form-urlencoded in UTF-8.';
    return refuse('invalid_request', description, 'content-type');
  }
  if (request.body.length > LARGEST_FORM_BYTES) return bodyTooLarge();
  try {
    return parseForm(STRICT_UTF8.decode(request.body));
  } catch {
    return refuse('invalid_request', 'The body is not UTF-8.', 'malformed-form');
  }
}

/** The parameters of a token request: of a GET from the query, of anything else from the body, never from both. */
export const readParameters = (request: TokenHttpRequest): ParametersRead =>
  request.method === 'GET' ? parseForm(request.queryString) : parseBody(request);
