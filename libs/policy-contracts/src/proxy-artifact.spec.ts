import { canonicalJson } from '#libs/canonical-json';
import { parsePolicy, parseSentPolicy, type PolicyContract } from './policy-contract.ts';
import { parseProxyArtifact, type ProxyArtifact } from './proxy-artifact.ts';

function policy(input: object): PolicyContract {
  const parsed = parsePolicy(input);
  if (!parsed.ok) throw new RangeError(JSON.stringify(parsed.faults));
  return parsed.value;
}

const ISSUE = policy({ type: 'policy-auth-jwt', jwtSignatureAlgorithm: 'HS256' });
const CHECK = policy({ type: 'policy-verify-jwt', algorithm: 'HS256', secretKey: { ref: 'private.secret' } });
const NONE = { request: [], response: [], error: [] };

const ARTIFACT: ProxyArtifact = {
  ...{ formatVersion: 1, project: 'shop', proxy: 'orders', proxyId: 'p-1', revision: 3 },
  environment: { name: 'production', tokenIssuer: 'https://gatewarden/production', expiresInUnit: 'SECONDS' },
  route: { paths: ['/orders'], hosts: ['*.example.org'], methods: ['GET'], headers: [] },
  upstream: {
    addresses: [{ url: 'http://127.0.0.1:1', weight: 0.5 }],
    loadBalance: 'ROUND_ROBIN',
    ...{ connectTimeoutMs: 1000, readTimeoutMs: 2000, retryCount: 0 },
  },
  pipelines: { ...NONE, request: [{ name: 'issue', policy: ISSUE }] },
  endpoints: [
    {
      ...{ name: '/users/{id}', httpMethod: 'GET', backendResourceUrl: '/u/{id}', backendHttpMethod: 'POST' },
      pipelines: { ...NONE, response: [{ name: 'check', policy: CHECK }] },
    },
  ],
  variables: { 'private.secret': { value: 's', secret: true } },
  signingKeys: { issue: { signing: { kty: 'oct', k: 'a', kid: '1', alg: 'HS256' }, verification: [{ kty: 'oct' }] } },
};

type Path = readonly (string | number)[];

/** The artifact with one member of it replaced, or removed. */
function changed(path: Path, value?: unknown): unknown {
  const copy = JSON.parse(canonicalJson(ARTIFACT)) as Record<string | number, unknown>;
  const holder = path.slice(0, -1).reduce((at, step) => at[step] as typeof copy, copy);
  const last = path.at(-1) ?? '';
  if (value === undefined) delete holder[last];
  else holder[last] = value;
  return copy;
}

const faultsOf = (input: unknown): string[] => {
  const parsed = parseProxyArtifact(input);
  return parsed.ok ? [] : parsed.faults.map(({ field, code }) => `${field} ${code}`);
};

describe('an artifact with policies that the first version stored', () => {
  /** What it took, and what a request of today may not bring any more: never to be changed. */
  const KEPT = {
    ...{ type: 'policy-verify-jwt', algorithm: ['HS256'], secretKey: { ref: 'private.secret' }, jwtType: 'Signed' },
    ...{ description: 'a\u0001b', condition: 'request.verb = "\u0002"', issuer: { value: 'i\u0003' } },
    ...{ requiredClaims: { value: ['a,b'] }, knownHeaders: { value: ['c,d'] } },
  };

  it('is read, and its policies are what they were', () => {
    const parsed = parseProxyArtifact(changed(['pipelines', 'request'], [{ name: 'kept', policy: KEPT }]));
    expect(parsed).toMatchObject({ ok: true, value: { pipelines: { request: [{ policy: KEPT }] } } });
  });

  it('does not make a request of today take them', () => {
    const parsed = parseSentPolicy(KEPT);
    expect(parsed.ok ? [] : parsed.faults.map(({ field, message }) => `${field}: ${message}`)).toEqual([
      'policy.description: policy.description must hold no control characters',
      'policy.condition: policy.condition must hold no control characters',
      'policy.issuer.value: policy.issuer.value must hold no control characters',
      'policy.requiredClaims.value[0]: policy.requiredClaims.value[0] must hold no comma',
      'policy.knownHeaders.value[0]: policy.knownHeaders.value[0] must hold no comma',
    ]);
  });
});

describe('an artifact', () => {
  it('is the same after its way through canonical JSON', () => {
    expect(parseProxyArtifact(JSON.parse(canonicalJson(ARTIFACT)))).toEqual({
      ok: true,
      value: ARTIFACT,
      warnings: [],
    });
  });

  it.each<[string, unknown, string]>([
    ['formatVersion', 2, 'artifact.formatVersion invalid_value'],
    ['revision', 0, 'artifact.revision out_of_range'],
    ['project', undefined, 'artifact.project required'],
    ['environment.expiresInUnit', 'HOURS', 'artifact.environment.expiresInUnit invalid_value'],
    ['route.paths', [], 'artifact.route.paths out_of_range'],
    ['upstream.addresses', [], 'artifact.upstream.addresses out_of_range'],
    ['upstream.readTimeoutMs', 0, 'artifact.upstream.readTimeoutMs out_of_range'],
    ['upstream.retryCount', -1, 'artifact.upstream.retryCount out_of_range'],
    ['pipelines.error', undefined, 'artifact.pipelines.error required'],
    ['endpoints', {}, 'artifact.endpoints wrong_type'],
    ['variables', [], 'artifact.variables wrong_type'],
    ['signingKeys.issue', { signing: {} }, 'artifact.signingKeys.issue.verification required'],
    ['surprise', 1, 'artifact.surprise unknown_field'],
  ])('with %s of %j is refused', (path, value, fault) => {
    expect(faultsOf(changed(path.split('.'), value))).toEqual([fault]);
  });

  it('is refused for a policy that nobody could run, wherever it stands, by name and path', () => {
    const broken = { type: 'policy-auth-jwt' };
    const atProxy = changed(['pipelines', 'request', 0, 'policy'], broken) as ProxyArtifact;
    const atEndpoint = changed(['endpoints', 0, 'pipelines', 'response', 0, 'policy'], { type: 'policy-quota' });
    expect(faultsOf(atProxy)).toEqual(['artifact.pipelines.request[issue].policy.jwtSignatureAlgorithm required']);
    expect(faultsOf(atEndpoint)).toEqual([
      'artifact.endpoints[GET /users/{id}].response[check].policy.type invalid_value',
    ]);
    expect(faultsOf({ ...(atEndpoint as object), pipelines: atProxy.pipelines })).toHaveLength(2);
  });

  it.each([undefined, null, 'text', []])('is an object, not %j', (input) => {
    expect(parseProxyArtifact(input).ok).toBe(false);
  });
});
