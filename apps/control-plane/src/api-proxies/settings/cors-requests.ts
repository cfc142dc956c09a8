import { z } from 'zod';
import {
  ENDPOINT_METHODS,
  HEADER_NAME,
  withDefault,
  wholeNumber,
  type ArtifactCors,
  type ContractWarning,
} from '#libs/policy-contracts';
import { deployFields } from '../proxies/route-requests.ts';
import type { VendorMembers } from '../proxies/vendor-proxy-members.ts';

const ANY = '*';
const METHODS = [...ENDPOINT_METHODS, 'TRACE', 'ALL', ANY] as const;
const LONGEST_MAX_AGE_SECONDS = 86_400;
const DEFAULT_MAX_AGE_SECONDS = 3_600;

/** As browsers send it: scheme, host in lower case, the port where it is not the scheme's own (RFC 6454 section 6.2). */
const isOrigin = (text: string): boolean =>
  text === ANY || (/^https?:\/\/[^*]*$/.test(text) && URL.canParse(text) && new URL(text).origin === text);

const origin = z.string().max(500).refine(isOrigin, {
  error: 'must be an origin as browsers send it, https://app.example.org, without a path, or * alone',
});
const headerName = z.string().regex(HEADER_NAME, { error: 'must be a header name, or * alone' });

const standsAlone = (list: readonly string[]): boolean => !list.includes(ANY) || list.length === 1;
const alone = { error: 'must hold * alone or not at all' };
const list = <Item extends string>(item: z.ZodType<Item, Item>) =>
  withDefault(z.array(item).max(100).refine(standsAlone, alone), [] as Item[]);

/** The vendor sends texts, `"true"` and `"false"`. */
const flag = z.union([z.boolean(), z.enum(['true', 'false'])], { error: 'must be "true" or "false"' });

interface Wildcards {
  readonly allowCredentials: boolean | 'true' | 'false';
  readonly allowOriginList: readonly string[];
  readonly allowHeaderList: readonly string[];
  readonly exposeHeaderList: readonly string[];
  readonly allowMethodList: readonly string[];
}

const LISTS = ['allowOriginList', 'allowMethodList', 'allowHeaderList', 'exposeHeaderList'] as const;

const takesCredentials = ({ allowCredentials }: Pick<Wildcards, 'allowCredentials'>): boolean =>
  allowCredentials === true || allowCredentials === 'true';

const isWildcard = (values: readonly string[]): boolean => values.includes(ANY) || values.includes('ALL');

/** Fetch standard 3.2.5: with credentials browsers take no wildcard, and to echo every origin would let all of them in. */
function refuseWildcards(request: Wildcards, context: z.RefinementCtx): void {
  if (!takesCredentials(request)) return;
  for (const name of LISTS) {
    if (!isWildcard(request[name])) continue;
    const message = 'must name each of them: browsers take no wildcard where allowCredentials is "true"';
    context.addIssue({ code: 'custom', path: [name], message, params: { code: 'wildcard_with_credentials' } });
  }
}

/** `PATCH X/settings/cors/` */
export const CORS = z
  .strictObject({
    corsActive: withDefault(z.boolean(), false),
    allowOriginList: list(origin),
    allowMethodList: list(z.enum(METHODS)),
    allowHeaderList: list(headerName),
    exposeHeaderList: list(headerName),
    allowCredentials: withDefault(flag, 'false'),
    /** Seconds. */
    maxAge: withDefault(wholeNumber(0, LONGEST_MAX_AGE_SECONDS), DEFAULT_MAX_AGE_SECONDS),
    ...deployFields,
  })
  .superRefine(refuseWildcards)
  .refine(({ corsActive, allowOriginList }) => !corsActive || allowOriginList.length > 0, {
    path: ['allowOriginList'],
    error: 'must name at least one origin, or * alone, while corsActive is true',
    params: { code: 'required' },
  });
type CorsRequest = z.infer<typeof CORS>;

export const CORS_VENDOR_MEMBERS: VendorMembers = { ignored: ['name', 'description'], refused: [] };

const lowerCase = (names: readonly string[]): string[] => [...new Set(names.map((name) => name.toLowerCase()))];

/** null: the proxy does not speak CORS. */
export function corsOf(request: CorsRequest): ArtifactCors | null {
  if (!request.corsActive) return null;
  return {
    allowOrigins: [...new Set(request.allowOriginList)],
    allowCredentials: takesCredentials(request),
    allowMethods: isWildcard(request.allowMethodList) ? [ANY] : [...new Set(request.allowMethodList)],
    allowHeaders: lowerCase(request.allowHeaderList),
    exposeHeaders: lowerCase(request.exposeHeaderList),
    maxAgeSeconds: request.maxAge,
  };
}

export const corsWarnings = (request: CorsRequest): ContractWarning[] =>
  request.corsActive || LISTS.every((name) => request[name].length === 0)
    ? []
    : [{ field: 'corsActive', message: 'the lists are not kept while corsActive is false' }];

const OFF: ArtifactCors = {
  ...{ allowOrigins: [], allowCredentials: false, allowMethods: [], allowHeaders: [], exposeHeaders: [] },
  maxAgeSeconds: DEFAULT_MAX_AGE_SECONDS,
};

/** The body that would set it again. */
export function corsView(cors: ArtifactCors | null) {
  const shown = cors ?? OFF;
  return {
    corsActive: cors !== null,
    allowOriginList: shown.allowOrigins,
    allowMethodList: shown.allowMethods,
    allowHeaderList: shown.allowHeaders,
    exposeHeaderList: shown.exposeHeaders,
    allowCredentials: String(shown.allowCredentials),
    maxAge: shown.maxAgeSeconds ?? DEFAULT_MAX_AGE_SECONDS,
  };
}
