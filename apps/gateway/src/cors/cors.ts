import type { ArtifactCors } from '#libs/policy-contracts';
import { withVary } from './vary.ts';

/** What is looked at of a request; names of headers in lower case. */
export interface AskingRequest {
  readonly method: string;
  readonly headers: { value(name: string): string | undefined };
}

/** What a browser asks before it sends a request (Fetch standard, section 3.3.3). */
export interface Preflight {
  readonly origin: string;
  readonly method: string;
  /** Lower-case names of the headers it would send beside the harmless ones. */
  readonly headers: readonly string[];
}

const ANY = '*';
/** RFC 9110 section 5.6.2. Names that are not tokens are never written back. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** The preflight that a request is; undefined: another request, an OPTIONS without its headers among them. */
export function preflightOf({ method, headers }: AskingRequest): Preflight | undefined {
  if (method !== 'OPTIONS') return undefined;
  const [origin, asked] = [headers.value('origin'), headers.value('access-control-request-method')];
  if (origin === undefined || asked === undefined || !TOKEN.test(asked)) return undefined;
  const names = headers.value('access-control-request-headers') ?? '';
  const list = names.split(',').map((name) => name.trim().toLowerCase());
  return { origin, method: asked, headers: list.filter((name) => name !== '') };
}

const allows = (allowed: readonly string[], wanted: string): boolean =>
  allowed.includes(ANY) || allowed.includes(wanted);

type Headers = (readonly [string, string])[];

/**
 * What every answer says to an origin; nothing to one that is not allowed. `*` never goes with credentials: browsers
 * refuse that, and to name whatever origin asks instead would let every site act as the user.
 */
function originHeaders(cors: ArtifactCors, origin: string | undefined): Headers {
  if (cors.allowOrigins.includes(ANY)) return [['Access-Control-Allow-Origin', ANY]];
  if (origin === undefined || !cors.allowOrigins.includes(origin)) return [];
  const headers: Headers = [['Access-Control-Allow-Origin', origin]];
  if (cors.allowCredentials) headers.push(['Access-Control-Allow-Credentials', 'true']);
  return headers;
}

/** `*` is answered with what was asked for: in answers it would cover neither `Authorization` nor credentials. */
function permission(cors: ArtifactCors, { method, headers }: Preflight): Headers | undefined {
  if (!allows(cors.allowMethods, method)) return undefined;
  if (!headers.every((name) => TOKEN.test(name) && allows(cors.allowHeaders, name))) return undefined;
  const methods = cors.allowMethods.includes(ANY) ? [method] : cors.allowMethods;
  const names = cors.allowHeaders.includes(ANY) ? headers : cors.allowHeaders;
  const answer: Headers = [['Access-Control-Allow-Methods', methods.join(', ')]];
  if (names.length > 0) answer.push(['Access-Control-Allow-Headers', names.join(', ')]);
  if (cors.maxAgeSeconds !== undefined) answer.push(['Access-Control-Max-Age', String(cors.maxAgeSeconds)]);
  return answer;
}

/** Permits nothing. */
export const NO_CORS: ArtifactCors = {
  ...{ allowOrigins: [], allowMethods: [], allowHeaders: [], exposeHeaders: [] },
  allowCredentials: false,
};

function commonList(one: readonly string[], other: readonly string[]): readonly string[] {
  if (one.includes(ANY)) return other;
  return other.includes(ANY) ? one : one.filter((item) => other.includes(item));
}

/** Answered with `*`, an origin gets no credentials: see `originHeaders`. */
const givesCredentials = ({ allowCredentials, allowOrigins }: ArtifactCors): boolean =>
  allowCredentials && !allowOrigins.includes(ANY);

function inCommon(one: ArtifactCors, other: ArtifactCors): ArtifactCors {
  const { maxAgeSeconds: oneAge } = one;
  const { maxAgeSeconds: otherAge } = other;
  return {
    allowOrigins: commonList(one.allowOrigins, other.allowOrigins),
    allowCredentials: givesCredentials(one) && givesCredentials(other),
    allowMethods: commonList(one.allowMethods, other.allowMethods),
    allowHeaders: commonList(one.allowHeaders, other.allowHeaders),
    exposeHeaders: commonList(one.exposeHeaders, other.exposeHeaders),
    // Left out, a browser keeps the answer for five seconds.
    maxAgeSeconds: oneAge === undefined || otherAge === undefined ? undefined : Math.min(oneAge, otherAge),
  };
}

/**
 * Of several settings those that permit something, the ones with credentials before the others; undefined: none does.
 *
 * @param asked an origin, or a preflight of one
 */
export function permittingCors(
  settings: readonly ArtifactCors[],
  asked: string | undefined | Preflight,
): ArtifactCors | undefined {
  const permits = (cors: ArtifactCors): boolean =>
    (typeof asked === 'object' ? permittedHeaders(cors, asked) : originHeaders(cors, asked)).length > 0;
  const permitting = settings.filter(permits);
  return permitting.find(givesCredentials) ?? permitting[0];
}

/** What all of several proxies permit; one without CORS settings permits nothing. */
export const commonCors = (settings: readonly (ArtifactCors | undefined)[]): ArtifactCors =>
  settings.map((cors) => cors ?? NO_CORS).reduce(inCommon);

/** Empty unless origin, method and headers are all allowed. */
function permittedHeaders(cors: ArtifactCors, preflight: Preflight): Headers {
  const origin = originHeaders(cors, preflight.origin);
  const permitted = origin.length === 0 ? undefined : permission(cors, preflight);
  return permitted === undefined ? [] : [...origin, ...permitted];
}

export interface PreflightAnswer {
  readonly status: 204;
  readonly headers: Headers;
  readonly body: '';
}

/** The answer to a preflight: 204, with permission only when origin, method and headers are all allowed. */
export function preflightAnswer(cors: ArtifactCors, preflight: Preflight): PreflightAnswer {
  const permitted = permittedHeaders(cors, preflight);
  const vary = ['Vary', 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers'] as const;
  return { status: 204, headers: [...permitted, vary], body: '' };
}

const isCorsHeader = (name: string): boolean => name.toLowerCase().startsWith('access-control-');

/** Headers of an answer (name, value, …) with the proxy's CORS headers in the place of the upstream's own. */
export function withCors(
  headers: readonly string[],
  cors: ArtifactCors,
  origin: string | undefined,
): readonly string[] {
  const answer = headers.filter((_, at) => !isCorsHeader(headers[at - (at % 2)] ?? ''));
  const permitted = originHeaders(cors, origin);
  answer.push(...permitted.flat());
  if (permitted.length > 0 && cors.exposeHeaders.length > 0) {
    answer.push('Access-Control-Expose-Headers', cors.exposeHeaders.join(', '));
  }
  return cors.allowOrigins.includes(ANY) ? answer : withVary(answer, ['Origin']);
}
