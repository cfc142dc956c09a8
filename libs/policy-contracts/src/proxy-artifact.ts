import { z } from 'zod';
import type { PolicyContract } from './policy-contract.ts';
import { parsePolicy } from './policy-contract.ts';
import { parseWith, type Parsed, type ValidationFault } from './validation-fault.ts';

/**
 * One proxy compiled for one environment: everything a gateway needs, as portable data. A gateway links it into
 * closures. It travels sealed; `variables` and `signingKeys` are the only members that hold secrets.
 */
export interface ProxyArtifact {
  readonly formatVersion: 1;
  readonly project: string;
  readonly proxy: string;
  readonly proxyId: string;
  readonly revision: number;
  readonly environment: ArtifactEnvironment;
  readonly route: ArtifactRoute;
  readonly upstream: ArtifactUpstream;
  /** Answered before the policies; absent: the proxy does not speak CORS. */
  readonly cors?: ArtifactCors | undefined;
  /** Shape of the gateway's own JSON faults; absent: Apinizer's envelope. */
  readonly jsonErrorTemplate?: ArtifactErrorTemplate | undefined;
  /** Shape of the gateway's own faults towards clients that do not speak JSON; absent: there is none. */
  readonly xmlErrorTemplate?: ArtifactErrorTemplate | undefined;
  /** Proxy-level policies in execution order. */
  readonly pipelines: ArtifactPipelines;
  readonly endpoints: readonly ArtifactEndpoint[];
  /** Environment variables that the proxy's policies name: flow variables of constant value. */
  readonly variables: Readonly<Record<string, ArtifactVariable>>;
  /** Keys of `policy-auth-jwt` policies by policy name. */
  readonly signingKeys: Readonly<Record<string, ArtifactSigningKeys>>;
}

export interface ArtifactEnvironment {
  readonly name: string;
  /** `iss` of every token issued in this environment. */
  readonly tokenIssuer: string;
  /** Unit of `expires_in` in token answers. */
  readonly expiresInUnit: 'SECONDS' | 'MILLISECONDS';
}

export interface ArtifactRoute {
  /** Base paths, each starting with a slash and without one at the end (but `/`). */
  readonly paths: readonly string[];
  /** Host names; `*.example.org` matches one or more labels; empty: any host. */
  readonly hosts: readonly string[];
  /** Upper-case methods; empty: any. */
  readonly methods: readonly string[];
  /** Headers that a request must have, with this very value; names in lower case. Empty: none. */
  readonly headers: readonly ArtifactHeaderRule[];
}

export interface ArtifactHeaderRule {
  readonly name: string;
  readonly value: string;
}

/** Apinizer's CORS settings of a proxy (Fetch standard, section 3.2). */
export interface ArtifactCors {
  /** Exact origins, or `*` alone. */
  readonly allowOrigins: readonly string[];
  readonly allowCredentials: boolean;
  /** Upper case, or `*` alone. */
  readonly allowMethods: readonly string[];
  /** Lower case, or `*` alone. */
  readonly allowHeaders: readonly string[];
  readonly exposeHeaders: readonly string[];
  readonly maxAgeSeconds?: number | undefined;
}

/** Text with `#{…}` variables of Apinizer's error templates. */
export interface ArtifactErrorTemplate {
  readonly template: string;
}

/**
 * The vendor's, and one of our own: `LEAST_CONNECTIONS` is the address with the fewest requests in flight for its weight.
 * `LRU` is the address whose last turn is longest ago; `WEIGHTED` and `ROUND_ROBIN` both take turns by weight.
 */
export const LOAD_BALANCE_ALGORITHMS = [
  'ROUND_ROBIN',
  'WEIGHTED',
  'LRU',
  'RANDOM',
  'PICK_FIRST',
  'LEAST_CONNECTIONS',
] as const;
export type LoadBalanceAlgorithm = (typeof LOAD_BALANCE_ALGORITHMS)[number];

export interface ArtifactUpstream {
  readonly addresses: readonly { readonly url: string; readonly weight: number }[];
  readonly loadBalance: LoadBalanceAlgorithm;
  readonly connectTimeoutMs: number;
  /** Time to the first byte of the answer, and between two pieces of it. */
  readonly readTimeoutMs: number;
  readonly retryCount: number;
}

export interface PlacedPolicy {
  readonly name: string;
  readonly policy: PolicyContract;
}

export interface ArtifactPipelines {
  readonly request: readonly PlacedPolicy[];
  readonly response: readonly PlacedPolicy[];
  readonly error: readonly PlacedPolicy[];
}

export interface ArtifactEndpoint {
  /** Path template relative to the route: `/users/{id}`. */
  readonly name: string;
  readonly httpMethod: string;
  readonly backendResourceUrl?: string | undefined;
  readonly backendHttpMethod?: string | undefined;
  readonly pipelines: ArtifactPipelines;
}

export interface ArtifactVariable {
  readonly value: string;
  readonly secret: boolean;
}

export interface ArtifactSigningKeys {
  /** JWK of the key that signs: private or oct, with `kid` and `alg`. */
  readonly signing: Readonly<Record<string, unknown>>;
  /** JWKs that still verify beside it; public parts or oct. */
  readonly verification: readonly Readonly<Record<string, unknown>>[];
}

const placedPolicy = z.strictObject({ name: z.string(), policy: z.unknown() });
const pipelines = z.strictObject({
  request: z.array(placedPolicy),
  response: z.array(placedPolicy),
  error: z.array(placedPolicy),
});
const jwk = z.record(z.string(), z.unknown());

const SCHEMA = z.strictObject({
  formatVersion: z.literal(1),
  project: z.string(),
  proxy: z.string(),
  proxyId: z.string(),
  revision: z.int().min(1),
  environment: z.strictObject({
    name: z.string(),
    tokenIssuer: z.string(),
    expiresInUnit: z.enum(['SECONDS', 'MILLISECONDS']),
  }),
  route: z.strictObject({
    paths: z.array(z.string().startsWith('/')).min(1),
    hosts: z.array(z.string()),
    methods: z.array(z.string()),
    // Artifacts of the first version had neither header rules nor a choice of balancing: copies on disk still have not.
    headers: z.array(z.strictObject({ name: z.string().toLowerCase(), value: z.string() })).default([]),
  }),
  upstream: z.strictObject({
    addresses: z.array(z.strictObject({ url: z.string(), weight: z.number().positive() })).min(1),
    loadBalance: z.enum(LOAD_BALANCE_ALGORITHMS).default('ROUND_ROBIN'),
    connectTimeoutMs: z.int().positive(),
    readTimeoutMs: z.int().positive(),
    retryCount: z.int().min(0),
  }),
  cors: z
    .strictObject({
      allowOrigins: z.array(z.string()),
      allowCredentials: z.boolean(),
      allowMethods: z.array(z.string()),
      allowHeaders: z.array(z.string()),
      exposeHeaders: z.array(z.string()),
      maxAgeSeconds: z.int().min(0).optional(),
    })
    .optional(),
  jsonErrorTemplate: z.strictObject({ template: z.string() }).optional(),
  xmlErrorTemplate: z.strictObject({ template: z.string() }).optional(),
  pipelines,
  endpoints: z.array(
    z.strictObject({
      name: z.string(),
      httpMethod: z.string(),
      backendResourceUrl: z.string().optional(),
      backendHttpMethod: z.string().optional(),
      pipelines,
    }),
  ),
  variables: z.record(z.string(), z.strictObject({ value: z.string(), secret: z.boolean() })),
  signingKeys: z.record(z.string(), z.strictObject({ signing: jwk, verification: z.array(jwk) })),
});

type RawPipelines = z.infer<typeof pipelines>;

function policiesOf(raw: RawPipelines, path: string, faults: ValidationFault[]): ArtifactPipelines {
  const read = (stage: keyof RawPipelines): PlacedPolicy[] =>
    raw[stage].flatMap(({ name, policy }) => {
      const parsed = parsePolicy(policy, name);
      if (parsed.ok) return [{ name, policy: parsed.value }];
      faults.push(...parsed.faults.map((fault) => ({ ...fault, field: `${path}.${stage}[${name}].${fault.field}` })));
      return [];
    });
  return { request: read('request'), response: read('response'), error: read('error') };
}

/** Reads what a gateway found under its environment's key, or in its copy on disk: from this version or an earlier one. */
export function parseProxyArtifact(input: unknown): Parsed<ProxyArtifact> {
  const parsed = parseWith(SCHEMA, input, 'artifact');
  if (!parsed.ok) return parsed;
  const raw = parsed.value;
  const faults: ValidationFault[] = [];
  const value: ProxyArtifact = {
    ...raw,
    pipelines: policiesOf(raw.pipelines, 'artifact.pipelines', faults),
    endpoints: raw.endpoints.map((endpoint) => ({
      ...endpoint,
      pipelines: policiesOf(endpoint.pipelines, `artifact.endpoints[${endpoint.httpMethod} ${endpoint.name}]`, faults),
    })),
  };
  return faults.length > 0 ? { ok: false, faults } : { ok: true, value, warnings: [] };
}
