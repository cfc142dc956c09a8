import { z } from 'zod';
import {
  ENDPOINT_METHODS,
  HEADER_NAME,
  LOAD_BALANCE_ALGORITHMS,
  normalisePath,
  withDefault,
} from '#libs/policy-contracts';
import { isNeverAnUpstream } from '#libs/upstream-addresses';
import type { ClientRoute, RoutingInfo } from '../domain/index.ts';

/** The vendor's EnumHttpRequestMethod. */
const ROUTE_METHODS = ['ALL', ...ENDPOINT_METHODS, 'TRACE'] as const;
/** Paths that belong to the token service (contract 4.2). */
const RESERVED = /^\/(auth|credential|\.well-known)(\/|$)/;
const HOST = /^(\*\.)?[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/;
/** RFC 9110 section 5.5: visible characters, blanks between them. */
const HEADER_VALUE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;
/** Their values would stand in events and answers. */
const CREDENTIAL_HEADERS = new Set(['authorization', 'proxy-authorization', 'cookie']);

/** Members that every body with a deployment has; `deploy` defaults to false here (vendor). */
export const deployFields = {
  deploy: withDefault(z.boolean(), false),
  deployTargetEnvironmentNameList: withDefault(z.array(z.string().min(1)), []),
} as const;

/** The one spelling under which gateways look for it; `/orders/` means `/orders`. Undefined: no gateway could route it. */
function routablePath(path: string): string | undefined {
  if (!path.startsWith('/')) return undefined;
  const normal = normalisePath(path);
  return normal !== undefined && normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
}

const relativePath = z
  .string()
  .min(1)
  .max(500)
  .transform((path, context): string => {
    const routable = routablePath(path);
    if (routable === undefined) context.addIssue('must start with / and be a URL path without dots that hide another');
    return routable ?? z.NEVER;
  })
  .refine((path) => !RESERVED.test(path), {
    error: 'is reserved for the token service: /auth, /credential and /.well-known',
    params: { code: 'reserved_path' },
  });

const headerRule = z.strictObject({
  name: z
    .string()
    .regex(HEADER_NAME, { error: 'must be a header name', abort: true })
    .toLowerCase()
    .refine((name) => !CREDENTIAL_HEADERS.has(name), { error: 'holds credentials: no route may depend on them' })
    .refine((name) => name !== 'host', { error: 'is not a rule of its own: name hosts in hostList' }),
  value: z.string().max(500).regex(HEADER_VALUE, { error: 'must be printable ASCII without blanks at its ends' }),
});

type HeaderRules = readonly z.infer<typeof headerRule>[];

/** All rules must hold, so two values for one header could never be met. */
const isContradictory = (rules: HeaderRules): boolean =>
  rules.some(({ name, value }) => rules.some((other) => other.name === name && other.value !== value));

export const clientRouteFields = {
  relativePathList: withDefault(z.array(relativePath).max(100), []),
  methodList: withDefault(z.array(z.enum(ROUTE_METHODS)), ['ALL']),
  hostList: withDefault(
    z.array(z.string().max(253).regex(HOST, { error: 'must be a host name, or *. and a host name' })).max(100),
    [],
  ),
  headerList: withDefault(
    z
      .array(headerRule)
      .max(10)
      .refine((rules) => !isContradictory(rules), { error: 'must not ask for two values of one header' }),
    [],
  ),
} as const;

interface RouteRequest {
  readonly relativePathList: readonly string[];
  readonly methodList: readonly string[];
  readonly hostList: readonly string[];
  readonly headerList: HeaderRules;
}

/** Methods alone would be a route for everything. */
export const hasRoute = ({ relativePathList, hostList, headerList }: RouteRequest): boolean =>
  relativePathList.length + hostList.length + headerList.length > 0;

export const NO_ROUTE = {
  path: ['relativePathList'],
  error: 'must name at least one path, unless hostList or headerList says which requests are meant',
  params: { code: 'required' },
};

/** Without paths every path of the hosts, or with the headers, is meant (vendor). */
export const clientRouteOf = (request: RouteRequest): ClientRoute => ({
  relativePathList: request.relativePathList.length === 0 ? ['/'] : [...new Set(request.relativePathList)],
  methodList:
    request.methodList.includes('ALL') || request.methodList.length === 0 ? ['ALL'] : [...new Set(request.methodList)],
  hostList: [...new Set(request.hostList.map((host) => host.toLowerCase()))],
  headerList: [...new Map(request.headerList.map((rule) => [rule.name, rule])).values()],
});

/** Each environment of the proxy gets so many rows, which every change that deploys it writes anew while others wait. */
const MOST_CLAIMS = 1_000;

export function claimsFew(request: RouteRequest): boolean {
  const { relativePathList, methodList, hostList } = clientRouteOf(request);
  return relativePathList.length * methodList.length * Math.max(1, hostList.length) <= MOST_CLAIMS;
}

export const TOO_MANY_CLAIMS = {
  path: ['relativePathList'],
  error: `must have at most ${MOST_CLAIMS} combinations with methodList and hostList (paths times methods times hosts; ALL is one method)`,
  params: { code: 'too_many_routes' },
};

const upstreamAddress = z
  .string()
  .max(2000)
  .refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), {
    error: 'must be an http:// or https:// address',
    abort: true,
  })
  .refine((text) => new URL(text).username === '' && new URL(text).password === '', {
    error: 'must not hold credentials',
    params: { code: 'credentials_in_address' },
  })
  .refine((text) => new URL(text).search === '' && new URL(text).hash === '', {
    error: 'must not hold a query or a fragment',
  })
  .refine((text) => !isNeverAnUpstream(new URL(text).hostname.replace(/^\[|\]$/g, '')), {
    error: 'is link-local or a cloud’s metadata service, which gateways never contact',
    params: { code: 'forbidden_address' },
  });

/** The vendor's default weight differs from call to call. */
export const addressList = (defaultWeight: number) =>
  z
    .array(
      z.strictObject({
        address: upstreamAddress,
        weight: withDefault(z.number().positive().max(1_000_000), defaultWeight),
      }),
    )
    .min(1)
    .max(100);

export const loadBalanceAlgorithm = z.enum(LOAD_BALANCE_ALGORITHMS);
/** Seconds. */
export const timeout = z.int().min(1).max(3600);
export const retryCount = z.int().min(0).max(10);

export const routingInfo = z.strictObject({
  routingAddressList: addressList(100),
  loadBalanceAlgorithm: withDefault(loadBalanceAlgorithm, 'ROUND_ROBIN'),
  connectTimeout: withDefault(timeout, 30),
  readTimeout: withDefault(timeout, 60),
  retryCount: withDefault(retryCount, 0),
});

export function routingInfoOf({ connectTimeout, readTimeout, ...same }: z.infer<typeof routingInfo>): RoutingInfo {
  return { ...same, connectTimeoutSeconds: connectTimeout, readTimeoutSeconds: readTimeout };
}
