import { parseProxyArtifact } from '#libs/policy-contracts';
import { linkProxy, type LinkedProxy } from '#libs/policy-runtime';

/** Members of a route that a test cares about. */
export interface WantedRoute {
  readonly paths: readonly string[];
  readonly hosts?: readonly string[];
  readonly methods?: readonly string[];
  readonly headers?: readonly { readonly name: string; readonly value: string }[];
}

/** A proxy whose name is its id, linked by the real runtime. */
export function proxy(name: string, route: WantedRoute): LinkedProxy {
  const none = { request: [], response: [], error: [] };
  const parsed = parseProxyArtifact({
    formatVersion: 1,
    project: 'shop',
    proxy: name,
    proxyId: name,
    revision: 1,
    environment: { name: 'test', tokenIssuer: 'https://gatewarden/test', expiresInUnit: 'SECONDS' },
    route: { hosts: [], methods: [], headers: [], ...route },
    upstream: {
      addresses: [{ url: 'http://127.0.0.1:1', weight: 1 }],
      loadBalance: 'ROUND_ROBIN',
      connectTimeoutMs: 1,
      readTimeoutMs: 1,
      retryCount: 0,
    },
    pipelines: none,
    endpoints: [],
    variables: {},
    signingKeys: {},
  });
  const linked = parsed.ok ? linkProxy(parsed.value, { faultCodes: 'documented' }) : undefined;
  if (linked?.ok !== true) throw new Error('the artifact of this test is wrong');
  return linked.proxy;
}
