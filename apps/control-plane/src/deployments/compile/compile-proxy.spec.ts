import { canonicalJson } from '#libs/canonical-json';
import { parseProxyArtifact } from '#libs/policy-contracts';
import { apiProxyDecider, requireApiProxy, type ActiveApiProxy } from '../../api-proxies/domain/index.ts';
import {
  endpointAdded,
  policyAdded,
  proxyCreated,
  sampleVerification,
} from '../../api-proxies/testing/sample-proxy.ts';
import { fold } from '../../decider/decider.ts';
import { compileProxy, type CompileContext } from './compile-proxy.ts';

const CHECK = sampleVerification({ forwardVariables: [{ variable: 'tenant', header: 'X-Tenant' }] });
const AT_USERS = { scope: 'ENDPOINT', pipeline: 'RESPONSE', endpoint: '/users', httpMethod: 'GET' } as const;

function proxyOf(): ActiveApiProxy {
  const history = [
    ...[proxyCreated, endpointAdded('/users'), policyAdded('check', 1, { scope: 'ALL', pipeline: 'REQUEST' }, CHECK)],
    ...[
      policyAdded('issue', 1),
      policyAdded('late', 1, { scope: 'ALL', pipeline: 'ERROR' }),
      policyAdded('u', 1, AT_USERS),
    ],
  ];
  return requireApiProxy(fold(apiProxyDecider, history));
}

const CONTEXT: CompileContext = {
  environment: { name: 'production', tokenIssuer: 'https://issuer', expiresInUnit: 'SECONDS' },
  variables: {
    tenant: { value: 'acme', secret: false },
    'private.secret': { value: 'secret', secret: true },
  },
  signingKeys: { issue: { signing: { kty: 'oct', k: 'AA', kid: '1', alg: 'HS256' }, verification: [] } },
};

describe('compiling a proxy', () => {
  it('gives the same bytes for the same content', () => {
    const variables = Object.fromEntries(Object.entries(CONTEXT.variables).reverse());
    const text = canonicalJson(compileProxy(proxyOf(), CONTEXT));
    expect(canonicalJson(compileProxy(proxyOf(), { ...CONTEXT, variables }))).toBe(text);
  });

  it('gives what a gateway reads back unchanged', () => {
    const artifact = compileProxy(proxyOf(), CONTEXT);
    const parsed = parseProxyArtifact(JSON.parse(canonicalJson(artifact)));
    expect(parsed).toEqual({ ok: true, value: artifact, warnings: [] });
  });

  it('takes along the variables that were gathered for it', () => {
    expect(compileProxy(proxyOf(), CONTEXT).variables).toEqual(CONTEXT.variables);
  });

  it('puts every policy into the pipeline of its place, in order', () => {
    const { pipelines, endpoints } = compileProxy(proxyOf(), CONTEXT);
    const names = ({ request, response, error }: typeof pipelines) =>
      [request, response, error].map((list) => list.map(({ name }) => name));
    expect(names(pipelines)).toEqual([['issue', 'check'], [], ['late']]);
    expect(endpoints.map((endpoint) => [endpoint.httpMethod, endpoint.name, names(endpoint.pipelines)])).toEqual([
      ['GET', '/users', [[], ['u'], []]],
    ]);
  });

  it('turns seconds into milliseconds and ALL into any method', () => {
    const { route, upstream } = compileProxy(proxyOf(), CONTEXT);
    expect(route).toEqual({ paths: ['/orders'], hosts: [], methods: [], headers: [] });
    expect(upstream).toEqual({
      addresses: [{ url: 'http://127.0.0.1:1/base', weight: 100 }],
      loadBalance: 'ROUND_ROBIN',
      ...{ connectTimeoutMs: 3_000, readTimeoutMs: 60_000, retryCount: 1 },
    });
  });

  it('takes along header rules, the way to balance, CORS and the error template', () => {
    const proxy = proxyOf();
    const headerList = [{ name: 'x-api-version', value: 'v2' }];
    const cors = {
      ...{ allowOrigins: ['https://a.example'], allowCredentials: true, allowMethods: ['GET'] },
      ...{ allowHeaders: ['x-a'], exposeHeaders: [], maxAgeSeconds: 60 },
    };
    const changed: ActiveApiProxy = {
      ...proxy,
      clientRoute: { ...proxy.clientRoute, methodList: ['GET', 'PUT'], hostList: ['*.a.example'], headerList },
      routingInfo: { ...proxy.routingInfo, loadBalanceAlgorithm: 'PICK_FIRST' },
      cors,
      jsonErrorTemplate: { template: '{}' },
      xmlErrorTemplate: { template: '<e/>' },
    };
    const artifact = compileProxy(changed, CONTEXT);
    expect(artifact).toMatchObject({
      route: { paths: ['/orders'], hosts: ['*.a.example'], methods: ['GET', 'PUT'], headers: headerList },
      upstream: { loadBalance: 'PICK_FIRST' },
      cors,
      jsonErrorTemplate: { template: '{}' },
      xmlErrorTemplate: { template: '<e/>' },
    });
    const parsed = parseProxyArtifact(JSON.parse(canonicalJson(artifact)));
    expect(parsed).toEqual({ ok: true, value: artifact, warnings: [] });
  });

  it('leaves out CORS and an error template that the proxy has not', () => {
    const artifact = compileProxy(proxyOf(), CONTEXT);
    expect(artifact).not.toHaveProperty('cors');
    expect(artifact).not.toHaveProperty('jsonErrorTemplate');
    expect(artifact).not.toHaveProperty('xmlErrorTemplate');
  });

  it('changes nothing that it is given', () => {
    const proxy = proxyOf();
    compileProxy(proxy, CONTEXT);
    expect(proxy).toEqual(proxyOf());
  });
});
