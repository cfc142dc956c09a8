import { z } from 'zod';
import { ENDPOINT_METHODS, normalisePath, optional, withDefault } from '#libs/policy-contracts';
import { nameField } from '../http/request-bodies.ts';
import type { Endpoint, ProxySettings } from './domain/index.ts';

const ROUTE_METHODS = ['ALL', ...ENDPOINT_METHODS, 'TRACE'] as const;
/** Paths that belong to the token service (contract 4.2). */
const RESERVED = /^\/(auth|credential|\.well-known)(\/|$)/;
const HOST = /^(\*\.)?[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/;

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
  });

const seconds = (value: number) => withDefault(z.int().min(1).max(3600), value);

const clientRoute = z.strictObject({
  relativePathList: z.array(relativePath).min(1).max(100),
  methodList: withDefault(z.array(z.enum(ROUTE_METHODS)), ['ALL']),
  hostList: withDefault(z.array(z.string().regex(HOST, { error: 'must be a host name' })), []),
  headerList: withDefault(z.array(z.unknown()).max(0, { error: 'is not supported in this version' }), []),
});

const routingInfo = z.strictObject({
  routingAddressList: z
    .array(z.strictObject({ address: upstreamAddress, weight: withDefault(z.number().positive().max(1_000_000), 100) }))
    .min(1)
    .max(100),
  loadBalanceAlgorithm: withDefault(z.enum(['ROUND_ROBIN', 'WEIGHTED']), 'ROUND_ROBIN'),
  connectTimeout: seconds(30),
  readTimeout: seconds(60),
  retryCount: withDefault(z.int().min(0).max(10), 0),
});

/** `POST` and `PUT P/apiProxies/url/`, the vendor's names (`deploy` defaults to false here). */
export const API_PROXY = z.strictObject({
  apiProxyName: nameField,
  apiProxyDescription: withDefault(z.string().max(1000), ''),
  apiProxyCreationType: withDefault(z.enum(['REVERSE_PROXY']), 'REVERSE_PROXY'),
  clientRoute,
  routingInfo,
  deploy: withDefault(z.boolean(), false),
  deployTargetEnvironmentNameList: withDefault(z.array(z.string().min(1)), []),
});
export type ApiProxyRequest = z.infer<typeof API_PROXY>;

export const KEYS = z.strictObject({
  publicKey: optional(z.string().min(1).max(255)),
  secretKey: optional(z.string().min(1).max(1000)),
  deploy: withDefault(z.boolean(), false),
  deployTargetEnvironmentNameList: withDefault(z.array(z.string().min(1)), []),
});

const endpointPath = z
  .string()
  .min(1)
  .max(500)
  .regex(/^\/[^?#\s]*$/, { error: 'must start with / and hold no blank, ? or #' });

export const ENDPOINT = z.strictObject({
  name: endpointPath,
  httpMethod: z.enum(ENDPOINT_METHODS),
  description: withDefault(z.string().max(1000), ''),
  backendResourceUrl: optional(endpointPath),
  backendHttpMethod: optional(z.enum(ENDPOINT_METHODS)),
  deploy: withDefault(z.boolean(), false),
  deployTargetEnvironmentNameList: withDefault(z.array(z.string().min(1)), []),
});

export function settingsOf(
  request: ApiProxyRequest,
): Pick<ProxySettings, 'description' | 'clientRoute' | 'routingInfo'> {
  const { relativePathList, methodList, hostList } = request.clientRoute;
  const { routingAddressList, connectTimeout, readTimeout, retryCount } = request.routingInfo;
  return {
    description: request.apiProxyDescription,
    clientRoute: {
      relativePathList: [...new Set(relativePathList)],
      methodList: methodList.includes('ALL') ? ['ALL'] : [...new Set(methodList)],
      hostList: [...new Set(hostList.map((host) => host.toLowerCase()))],
      headerList: [],
    },
    routingInfo: {
      routingAddressList,
      loadBalanceAlgorithm: request.routingInfo.loadBalanceAlgorithm,
      connectTimeoutSeconds: connectTimeout,
      readTimeoutSeconds: readTimeout,
      retryCount,
    },
  };
}

export function endpointOf(request: z.infer<typeof ENDPOINT>): Endpoint {
  const { name, httpMethod, description } = request;
  return {
    name,
    httpMethod,
    description,
    backendResourceUrl: request.backendResourceUrl ?? null,
    backendHttpMethod: request.backendHttpMethod ?? null,
  };
}
