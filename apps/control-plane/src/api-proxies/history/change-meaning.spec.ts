import { fold } from '../../decider/decider.ts';
import { apiProxyDecider, requireApiProxy, type ApiProxyEvent } from '../domain/index.ts';
import {
  AT_REQUEST,
  endpointAdded,
  policyAdded,
  proxyCreated,
  SAMPLE_SETTINGS,
  samplePolicy,
  sampleVerification,
} from '../testing/sample-proxy.ts';
import { changesBetween } from './changes-between.ts';
import { contentView } from './proxy-event-view.ts';

const viewAfter = (...events: ApiProxyEvent[]) =>
  contentView(requireApiProxy(fold(apiProxyDecider, [proxyCreated, ...events])));
const meaningsOf = (before: ApiProxyEvent[], after: ApiProxyEvent[]): string[] =>
  changesBetween(viewAfter(...before), viewAfter(...after)).map(({ meaning }) => meaning);

const KEY = [
  '-----BEGIN PUBLIC KEY-----',
  'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEVs/o5+uQbTjL3chynL4wXgUg2R9',
  'q9UU8I5mEovUf86QZ7kOBIjJwqnzD1omageEHWwHdBO6B+dFabmdT9POxg==',
  '-----END PUBLIC KEY-----',
].join('\n');
const UNDER_KEYS = { algorithm: 'RS256', secretKey: undefined };
const byJwks = (ref: string) => ({ ...UNDER_KEYS, publicKey: { jwks: { ref } } });
const claim = (value: string) => ({ additionalClaims: [{ name: 'show', value }] });
const forwarded = (variable: string) => ({ forwardVariables: [{ variable, header: 'X-Tenant' }] });

describe('a change of a policy-verify-jwt in words', () => {
  it.each<[object, object, string[]]>([
    [{ audience: 'a, b' }, { audience: 'a' }, ['audience `b` removed']],
    [{ audience: 'a' }, { audience: 'b' }, ['audience a → b']],
    [{}, { audience: 'a, b' }, ['audience set to a, b']],
    [{ audience: 'a' }, {}, ['audience removed, was a']],
    [{ audience: 'a' }, { audience: { ref: 'v' } }, ['audience removed, was a', 'audience.ref set to v']],
    [{ audience: { value: 'a', ref: 'v' } }, {}, ['audience removed, was variable v, or a']],
    [{ issuer: 'https://i' }, { issuer: 'https://j' }, ['issuer https://i → https://j']],
    [{}, { subject: 's' }, ['subject set to s']],
    [{ id: 'one' }, {}, ['id removed, was one']],
    [{ algorithm: 'HS256' }, { algorithm: 'HS384' }, ['algorithm HS256 → HS384']],
    [{ algorithm: 'HS256' }, { algorithm: 'HS256, HS384' }, ['algorithm `HS384` added']],
    [{}, { source: 'request.header.x' }, ['source set to request.header.x']],
    [{ secretKey: { ref: 'private.a' } }, { secretKey: { ref: 'private.b' } }, ['secretKey.ref private.a → private.b']],
    [byJwks('public.a'), byJwks('public.b'), ['publicKey.jwks.ref public.a → public.b']],
    [
      { ...UNDER_KEYS, algorithm: 'ES256', publicKey: { value: { ref: 'public.k' } } },
      { ...UNDER_KEYS, algorithm: 'ES256', publicKey: { value: KEY } },
      ['publicKey added', 'publicKey.value.ref removed, was public.k'],
    ],
    [{}, { requiredClaims: ['x'] }, ['requiredClaims set to x']],
    [{ requiredClaims: ['x', 'y'] }, { requiredClaims: ['y'] }, ['requiredClaims `x` removed']],
    [claim('1'), claim('2'), ['claim show 1 → 2']],
    [claim('1'), { additionalClaims: [{ name: 'other', value: '1' }] }, ['claim other added', 'claim show removed']],
    [{}, { ignoreIssuedAt: true }, ['ignoreIssuedAt switched on']],
    [{ continueOnError: true }, {}, ['continueOnError switched off']],
    [{ timeAllowance: '30s' }, { timeAllowance: '5m' }, ['timeAllowance 30s → 5m']],
    [
      { maxLifespan: { value: '1h' } },
      { maxLifespan: { value: '1h', useIssueTime: true } },
      ['maxLifespan.useIssueTime switched on'],
    ],
    [{}, { condition: 'request.verb = "GET"' }, ['condition set to request.verb = "GET"']],
    [{}, forwarded('tenant'), ['header X-Tenant to the upstream added']],
    [forwarded('a'), forwarded('b'), ['header X-Tenant to the upstream: variable a → b']],
    [forwarded('a'), {}, ['header X-Tenant to the upstream removed']],
  ])('%j to %j', (before, after, meanings) => {
    const at = (members: object) => [policyAdded('check', 1, AT_REQUEST, sampleVerification(members))];
    expect(meaningsOf(at(before), at(after)).sort()).toEqual(meanings.map((one) => `policy check: ${one}`).sort());
  });
});

describe('a change of a policy-auth-jwt in words', () => {
  const LIFE = { tokenNeverExpires: false, tokenExpiresInUnit: 'HOURS' };
  it.each<[object, object, string[]]>([
    [{ jwtSignatureAlgorithm: 'RS256' }, { jwtSignatureAlgorithm: 'ES256' }, ['jwtSignatureAlgorithm RS256 → ES256']],
    [{ ...LIFE, tokenExpiresInAmount: 1 }, { ...LIFE, tokenExpiresInAmount: 2 }, ['tokenExpiresInAmount 1 → 2']],
    [
      { ...LIFE, tokenExpiresInAmount: 1 },
      { ...LIFE, tokenExpiresInAmount: 1, tokenExpiresInUnit: 'DAYS' },
      ['tokenExpiresInUnit HOURS → DAYS'],
    ],
    [{}, { allowUrlParameters: true }, ['allowUrlParameters switched on']],
    [{}, { requireClientSecret: false }, ['requireClientSecret switched off']],
    [{}, { keyStoreName: 'signing' }, ['keyStoreName set to signing']],
    [{ keyStoreName: 'one' }, { keyStoreName: 'two' }, ['keyStoreName one → two']],
    [{}, { grantType: 'CLIENT_CREDENTIALS' }, ['grantType PASSWORD → CLIENT_CREDENTIALS']],
    [{ refreshTokenCount: 3 }, {}, ['refreshTokenCount removed, was 3']],
    [{}, { refreshTokenLimitAction: 'REJECT' }, ['refreshTokenLimitAction REVOKE_OLDEST → REJECT']],
  ])('%j to %j', (before, after, meanings) => {
    const at = (members: object) => [policyAdded('issue', 1, AT_REQUEST, samplePolicy(members))];
    expect(meaningsOf(at(before), at(after)).sort()).toEqual(meanings.map((one) => `policy issue: ${one}`).sort());
  });
});

describe('where a policy stands, in words', () => {
  const at = [endpointAdded('/users')];
  const AT_USERS = { scope: 'ENDPOINT', pipeline: 'REQUEST', endpoint: '/users', httpMethod: 'GET' } as const;

  it('another pipeline, another endpoint, another order', () => {
    const response = policyAdded('a', 1, { scope: 'ALL', pipeline: 'RESPONSE' });
    expect(meaningsOf([policyAdded('a', 1)], [response])).toEqual(['policy a moved: pipeline REQUEST → RESPONSE']);
    expect(meaningsOf([...at, policyAdded('a', 1)], [...at, policyAdded('a', 1, AT_USERS)])).toEqual([
      ...['policy a moved: scope ALL → ENDPOINT', 'policy a moved: endpoint set to /users'],
      'policy a moved: method set to GET',
    ]);
    expect(meaningsOf([policyAdded('a', 1), policyAdded('b', 2)], [policyAdded('b', 1), policyAdded('a', 2)])).toEqual([
      'policy b moved from order 2 to 1',
      'policy a moved from order 1 to 2',
    ]);
  });

  it('switched off and on again', () => {
    const off = policyAdded('a', 1, AT_REQUEST, samplePolicy({ active: false }));
    expect(meaningsOf([policyAdded('a', 1)], [off])).toEqual(['policy a switched off']);
    expect(meaningsOf([off], [policyAdded('a', 1)])).toEqual(['policy a switched on']);
  });
});

describe('a change of settings or endpoints in words', () => {
  const { clientRoute, routingInfo } = SAMPLE_SETTINGS;
  const updated = (data: object): ApiProxyEvent =>
    ({ type: 'ProxyUpdated', schemaVersion: 2, data: { ...proxyCreated.data, ...data } }) as ApiProxyEvent;
  const CORS = {
    ...{ allowOrigins: ['https://a'], allowCredentials: false, allowMethods: ['GET'], allowHeaders: [] },
    exposeHeaders: [],
  };
  const list = (...routingAddressList: object[]) => ({ routingInfo: { ...routingInfo, routingAddressList } });
  const [one, two] = [
    { address: 'http://1', weight: 1 },
    { address: 'http://2', weight: 1 },
  ];
  it.each<[object, object, string[]]>([
    [{ description: 'old' }, { description: 'new' }, ['description old → new']],
    [{ description: '' }, { description: 'new' }, ['description set to new']],
    [{ description: 'old' }, { description: '' }, ['description removed, was old']],
    [{}, { clientRoute: { ...clientRoute, relativePathList: ['/orders', '/o'] } }, ['path `/o` added']],
    [{}, { clientRoute: { ...clientRoute, methodList: ['GET'] } }, ['method ALL → GET']],
    [{}, { clientRoute: { ...clientRoute, hostList: ['a.example'] } }, ['host `a.example` added']],
    [list(one), list(one, two), ['address http://2 added']],
    [list(one, two), list(two), ['address http://1 removed']],
    [list(one, two), list(two, one), ['addresses: other order']],
    [list(one), list({ ...one, weight: 5 }), ['address http://1: weight 1 → 5']],
    [{}, { routingInfo: { ...routingInfo, connectTimeoutSeconds: 9 } }, ['connect timeout 3 s → 9 s']],
    [{}, { routingInfo: { ...routingInfo, readTimeoutSeconds: 9 } }, ['read timeout 60 s → 9 s']],
    [{}, { routingInfo: { ...routingInfo, retryCount: 0 } }, ['retries 1 → 0']],
    [{}, { routingInfo: { ...routingInfo, loadBalanceAlgorithm: 'RANDOM' } }, ['load balancing ROUND_ROBIN → RANDOM']],
    [{ cors: CORS }, { cors: { ...CORS, allowOrigins: ['https://b'] } }, ['CORS origin https://a → https://b']],
    [{ cors: CORS }, { cors: { ...CORS, allowCredentials: true } }, ['CORS credentials false → true']],
    [{ cors: CORS }, { cors: { ...CORS, maxAgeSeconds: 60 } }, [expect.stringMatching(/^CORS preflight .* s → 60 s$/)]],
    [
      { jsonErrorTemplate: { template: '{"a":1}' } },
      { jsonErrorTemplate: { template: '{"a":2}' } },
      ['text of the error template {"a":1} → {"a":2}'],
    ],
    [
      {},
      { jsonErrorTemplate: { template: '{}' } },
      ['error template switched on', 'text of the error template set to {}'],
    ],
  ])('%j to %j', (before, after, meanings) => {
    expect(meaningsOf([updated(before)], [updated(after)])).toEqual(meanings);
  });

  it('of CORS as a whole is said first', () => {
    expect(meaningsOf([updated({})], [updated({ cors: CORS })])[0]).toBe('CORS switched on');
  });

  it('of endpoints', () => {
    const changed = (members: object): ApiProxyEvent => {
      const { data } = endpointAdded('/users') as Extract<ApiProxyEvent, { type: 'EndpointAdded' }>;
      const endpoint = { ...data.endpoint, ...members };
      return { type: 'EndpointUpdated', schemaVersion: 1, data: { ...data, endpoint } };
    };
    const at = [endpointAdded('/users')];
    expect(meaningsOf(at, [...at, changed({ description: 'all', backendResourceUrl: '/people' })])).toEqual([
      ...['endpoint GET /users: description set to all', 'endpoint GET /users: backendResourceUrl set to /people'],
    ]);
    const both = [endpointAdded('/users'), endpointAdded('/items')];
    expect(meaningsOf(both, [...both].reverse())).toEqual(['endpoints: other order']);
    expect(meaningsOf(at, [])).toEqual(['endpoint GET /users removed']);
  });

  it('between before the creation and the first revision is every field', () => {
    for (const { meaning } of changesBetween({}, viewAfter())) expect(meaning).toMatch(/ (added|set to .+|changed)$/);
  });

  it('tells a field that was never filled from one that was emptied', () => {
    const undescribed = viewAfter(updated({ description: '' }));
    expect(changesBetween({}, undescribed)[0]?.meaning).toBe('description left empty');
  });

  it('of the key pair, whose secret is a reference', () => {
    const keys = (publicKey: string, secretId: string) => ({ keys: { publicKey, secretKey: { secretId } } });
    expect(changesBetween(keys('a', '1'), keys('b', '2')).map(({ meaning }) => meaning)).toEqual([
      ...['public key a → b', 'secret key: secretId 1 → 2'],
    ]);
  });
});
