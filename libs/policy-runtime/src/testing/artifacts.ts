import {
  parsePolicy,
  type ArtifactEndpoint,
  type ArtifactPipelines,
  type ArtifactVariable,
  type PlacedPolicy,
  type ProxyArtifact,
} from '#libs/policy-contracts';
import { Exchange } from '../exchange/exchange.ts';
import type { ExchangeRequest } from '../exchange/variable-source.ts';
import type { LinkOptions } from '../linking/link-context.ts';
import { linkProxy, type LinkedProxy } from '../pipeline/link-proxy.ts';
import type { LinkedRoute } from '../pipeline/link-route.ts';

/** The time of these tests, in milliseconds: 2023-11-14T22:13:20Z. */
export const NOW_MS = 1_700_000_000_000;
export const NOW_SECONDS = NOW_MS / 1000;

/** A policy as a person writes it, through the parser. */
export function placed(name: string, policy: object): PlacedPolicy {
  const parsed = parsePolicy(policy, name);
  if (!parsed.ok) throw new RangeError(parsed.faults.map(({ message }) => message).join('; '));
  return { name, policy: parsed.value };
}

export const pipelines = (stages: Partial<ArtifactPipelines> = {}): ArtifactPipelines => ({
  request: [],
  response: [],
  error: [],
  ...stages,
});

export interface ArtifactParts {
  readonly request?: readonly PlacedPolicy[];
  readonly response?: readonly PlacedPolicy[];
  readonly error?: readonly PlacedPolicy[];
  readonly endpoints?: readonly ArtifactEndpoint[];
  readonly variables?: Readonly<Record<string, ArtifactVariable | string>>;
  readonly signingKeys?: ProxyArtifact['signingKeys'];
}

export function artifactOf(parts: ArtifactParts = {}): ProxyArtifact {
  const variables = Object.entries(parts.variables ?? {}).map(([name, value]) => [
    name,
    typeof value === 'string' ? { value, secret: name.startsWith('private.') } : value,
  ]);
  return {
    formatVersion: 1,
    project: 'shop',
    proxy: 'orders',
    proxyId: 'proxy-1',
    revision: 7,
    environment: { name: 'test', tokenIssuer: 'https://gatewarden/test', expiresInUnit: 'SECONDS' },
    route: { paths: ['/orders'], hosts: [], methods: [], headers: [] },
    upstream: {
      addresses: [{ url: 'http://127.0.0.1:1', weight: 1 }],
      loadBalance: 'ROUND_ROBIN',
      connectTimeoutMs: 1000,
      readTimeoutMs: 1000,
      retryCount: 0,
    },
    pipelines: pipelines({
      request: parts.request ?? [],
      response: parts.response ?? [],
      error: parts.error ?? [],
    }),
    endpoints: parts.endpoints ?? [],
    variables: Object.fromEntries(variables) as ProxyArtifact['variables'],
    signingKeys: parts.signingKeys ?? {},
  };
}

/** Links, and insists that it works. */
export function linked(parts: ArtifactParts, options: Partial<LinkOptions> = {}): LinkedProxy {
  const outcome = linkProxy(artifactOf(parts), { faultCodes: 'documented', ...options });
  if (!outcome.ok) throw new RangeError(outcome.faults.map(({ code, message }) => `${code} ${message}`).join('; '));
  return outcome.proxy;
}

export function routeOf(proxy: LinkedProxy, method = 'GET', pathSuffix = '/7'): LinkedRoute {
  const match = proxy.matchEndpoint(method, pathSuffix);
  if (match.kind !== 'matched') throw new RangeError(match.kind);
  return match.route;
}

export interface RequestParts extends Partial<Omit<ExchangeRequest, 'rawHeaders' | 'body'>> {
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Sent as application/x-www-form-urlencoded. */
  readonly form?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  readonly pathSuffix?: string;
}

export function exchangeFor(proxy: LinkedProxy, parts: RequestParts = {}): Exchange {
  const { headers = {}, form, body, pathSuffix = '/7', ...request } = parts;
  const rawHeaders = Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().flatMap((value) => [name, value]),
  );
  if (form !== undefined) rawHeaders.push('Content-Type', 'application/x-www-form-urlencoded;charset=UTF-8');
  const whole: ExchangeRequest = {
    method: 'GET',
    path: `/orders${pathSuffix}`,
    queryString: '',
    httpVersion: '1.1',
    peerAddress: '198.51.100.4',
    clientAddress: '192.0.2.7',
    host: 'api.example.org',
    scheme: 'https',
    ...request,
    rawHeaders,
    body: form === undefined ? body : Buffer.from(new URLSearchParams(form).toString()),
  };
  return new Exchange(whole, proxy, pathSuffix, NOW_MS, 'c0ffee');
}
