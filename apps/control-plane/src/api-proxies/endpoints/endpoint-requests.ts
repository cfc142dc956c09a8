import { z } from 'zod';
import { ENDPOINT_METHODS, normalisePath, optional, withDefault } from '#libs/policy-contracts';
import { templateParameters, type Endpoint, type EndpointChange } from '../domain/index.ts';
import { deployFields } from '../proxies/route-requests.ts';
import type { VendorMembers } from '../proxies/vendor-proxy-members.ts';

/** What gateways could never see in a request: they ask for paths in one spelling, without dot segments (RFC 3986). */
function isReachable(template: string): boolean {
  const path = template.replaceAll(/\{[^{}]*\}/g, 'x');
  return path === '' || path === '/' || normalisePath(path)?.split('/').length === path.split('/').length;
}

const PATH = /^\/[^?#\s\\]*$/;
const isTemplate = (template: string): boolean => templateParameters(template) !== undefined;
const namesOnce = (template: string): boolean => {
  const names = templateParameters(template) ?? [];
  return new Set(names).size === names.length;
};

const pathTemplate = (isOptional: boolean) =>
  z
    .string()
    .min(isOptional ? 0 : 1)
    .max(500)
    .refine((path) => (isOptional && path === '') || PATH.test(path), {
      error: 'must be a path: it starts with / and holds no blank, ?, # or backslash; hosts are those of the addresses',
      abort: true,
    })
    .refine(isTemplate, { error: 'may hold one {parameter} in each segment, and no other brace', abort: true })
    .refine(isReachable, { error: 'must be a URL path without empty or dot segments' });

/** Name and method: what finds an endpoint. */
const identifier = {
  name: pathTemplate(false).refine(namesOnce, { error: 'must not name a parameter twice' }),
  httpMethod: z.enum(ENDPOINT_METHODS),
} as const;

/** The path alone comes from the endpoint, the host from the proxy's addresses; `''` is the same as none. */
const backendResourceUrl = optional(pathTemplate(true));

interface Backend {
  readonly name: string;
  readonly backendResourceUrl?: string | undefined;
}

const fillsBackend = ({ name, backendResourceUrl: backend = '' }: Backend): boolean => {
  const known = templateParameters(name) ?? [];
  return (templateParameters(backend) ?? []).every((parameter) => known.includes(parameter));
};

const UNKNOWN_PARAMETER = {
  path: ['backendResourceUrl'],
  error: 'names a {parameter} that the endpoint has not',
  params: { code: 'unknown_parameter' },
};

/** `POST X/endpoints/` */
export const ENDPOINT = z
  .strictObject({
    ...identifier,
    description: withDefault(z.string().max(1000), ''),
    backendResourceUrl,
    backendHttpMethod: optional(z.enum(ENDPOINT_METHODS)),
    ...deployFields,
  })
  .refine(fillsBackend, UNKNOWN_PARAMETER);

/** `PATCH X/endpoints/`: what is left out stays as it is. */
export const ENDPOINT_CHANGE = z
  .strictObject({
    ...identifier,
    description: optional(z.string().max(1000)),
    backendResourceUrl,
    backendHttpMethod: optional(z.enum(ENDPOINT_METHODS)),
    ...deployFields,
  })
  .refine(fillsBackend, UNKNOWN_PARAMETER);

/** `POST X/endpoints/details/`: any text finds an endpoint or none. */
export const ENDPOINT_IDENTIFIER = z.strictObject({ name: z.string().min(1), httpMethod: z.enum(ENDPOINT_METHODS) });

/** `POST X/endpoints/delete/` */
export const ENDPOINT_DELETION = z.strictObject({
  ...ENDPOINT_IDENTIFIER.shape,
  force: withDefault(z.boolean(), false),
  ...deployFields,
});

/** A new endpoint of the vendor is active; there are no others here. */
export const ENDPOINT_VENDOR_MEMBERS: VendorMembers = {
  ignored: [],
  refused: [
    {
      path: 'active',
      isHarmless: (value) => value === true,
      reason: 'an endpoint cannot be switched off; delete it instead',
    },
  ],
};

const backendOf = (text: string): string | null => (text === '' ? null : text);

export const endpointOf = (request: z.infer<typeof ENDPOINT>): Endpoint => ({
  name: request.name,
  httpMethod: request.httpMethod,
  description: request.description,
  backendResourceUrl: backendOf(request.backendResourceUrl ?? ''),
  backendHttpMethod: request.backendHttpMethod ?? null,
});

export const endpointChangeOf = (request: z.infer<typeof ENDPOINT_CHANGE>): EndpointChange => ({
  ...(request.description === undefined ? {} : { description: request.description }),
  ...(request.backendResourceUrl === undefined ? {} : { backendResourceUrl: backendOf(request.backendResourceUrl) }),
  ...(request.backendHttpMethod === undefined ? {} : { backendHttpMethod: request.backendHttpMethod }),
});
