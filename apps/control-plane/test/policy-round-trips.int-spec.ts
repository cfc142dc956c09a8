import { METADATA, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';

const X = '/projects/shop/apiProxies/orders';
const VERIFY_JWT = { type: 'policy-verify-jwt' };
const POLICIES = [
  { type: 'policy-auth-jwt', jwtSignatureAlgorithm: 'HS256' },
  { type: 'policy-verify-jwt', algorithm: 'HS256', secretKey: { ref: 'private.k' }, issuer: 'me' },
  { type: 'policy-raise-fault', statusCode: 403, payload: '{"no":1}' },
];

/** Every key element of `policy-verify-jwt`. */
const KEYED = [
  { algorithm: 'HS512', secretKey: { ref: 'private.k', encoding: 'hex' } },
  { algorithm: 'RS256', publicKey: { jwks: { uri: 'https://idp.example.org/jwks?a=1&b=2' } } },
  {
    ...{ algorithm: 'ES256', publicKey: { jwks: { uriRef: 'request.header.jku' } } },
    allowedJwksHosts: ['idp.example.org'],
    cacheVerifiedTokens: false,
  },
  {
    algorithms: { key: 'RSA-OAEP-256', content: 'A128GCM' },
    privateKey: { ref: 'private.k', passwordRef: 'private.p' },
    additionalClaims: [{ name: 'm', type: 'map', value: '{"a":"{escapeJSON(request.header.a)}"}' }],
  },
  { algorithms: { key: 'A128GCMKW' }, secretKey: { ref: 'private.k', encoding: 'base64' } },
  {
    algorithms: { key: 'PBES2-HS256+A128KW' },
    passwordKey: { ref: 'private.k', saltLength: 16, pbkdf2Iterations: 20_000 },
  },
  { algorithms: { key: 'dir', content: 'A256CBC-HS512' }, directKey: { ref: 'private.k', encoding: 'base64url' } },
].map((key) => ({ ...VERIFY_JWT, ...key }));

let plane: RunningControlPlane;

beforeAll(async () => {
  plane = await RunningControlPlane.start();
  await plane.done('POST', '/projects/', { name: 'shop' });
  await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody('orders'));
});
afterAll(() => plane.close());

describe('a policy that was read', () => {
  it.each(POLICIES)('PUT X/policies/{policyName}/ takes it as it is, its name included: $type', async (policy) => {
    const path = `${X}/policies/${policy.type}/`;
    await plane.done('POST', path, { operationMetadata: METADATA, policy });
    const [read] = (await plane.done('GET', path)).resultList;
    const body = { operationMetadata: { ...METADATA, order: 1 }, policy: read?.['policy'] };
    expect(body.policy).toMatchObject({ name: policy.type });
    await plane.done('PUT', path, body);
    const [after] = (await plane.done('GET', path)).resultList;
    expect(after?.['policy']).toEqual(read?.['policy']);
  });

  it.each(POLICIES)('POST X/policies/{policyName}/ refuses it under another name: $type', async (policy) => {
    const body = { operationMetadata: METADATA, policy: { ...policy, name: 'one' } };
    const refused = await plane.call('POST', `${X}/policies/other/`, body);
    expect(refused.status).toBe(400);
    expect(refused.body.validation_errors).toMatchObject([{ field: 'policy.name', code: 'name_mismatch' }]);
  });
});

async function xmlAt(path: string): Promise<string> {
  const headers = { authorization: `Bearer ${plane.adminToken}`, accept: 'application/xml' };
  return (await plane.app.inject({ method: 'GET', url: `/apiops${path}`, headers })).body;
}

describe('a policy-verify-jwt, whatever its key', () => {
  it.each(KEYED.map((policy, at) => [Object.keys(policy).at(2), at, policy] as const))(
    'with %s (case %i) is the same when what GET gave, as JSON or as XML, is sent again',
    async (_what, at, policy) => {
      const path = `${X}/policies/keyed-${at}/`;
      const shown = async () => (await plane.done('GET', path)).resultList[0]?.['policy'];
      await plane.done('POST', path, { operationMetadata: METADATA, policy });
      const before = await shown();
      expect(before).toMatchObject(Object.fromEntries(Object.entries(policy).filter(([name]) => name.endsWith('Key'))));
      await plane.done('PUT', path, { operationMetadata: METADATA, policy: before });
      expect(await shown()).toEqual(before);
      const text = await xmlAt(path);
      expect(text).toContain('<VerifyJWT ');
      await plane.done('DELETE', `${path}?targetScope=ALL&targetPipeline=REQUEST`);
      const query = '?targetScope=ALL&targetPipeline=REQUEST&deploy=false';
      await plane.done('POST', `${path}${query}`, text, { 'content-type': 'application/xml' });
      expect(await shown()).toEqual(before);
    },
  );
});

describe('an endpoint that is named beside targetScope ALL', () => {
  it('POST X/policies/{policyName}/ says that it has no effect', async () => {
    const metadata = { ...METADATA, targetEndpoint: '/a', targetEndpointHTTPMethod: 'GET' };
    const policy = { type: 'policy-raise-fault', statusCode: 403 };
    const { warnings = [] } = await plane.done('POST', `${X}/policies/everywhere/`, {
      operationMetadata: metadata,
      policy,
    });
    expect(warnings.map(({ field }) => field)).toEqual([
      ...['operationMetadata.targetEndpoint', 'operationMetadata.targetEndpointHTTPMethod'],
    ]);
  });
});

describe('a policy that an earlier version stored with characters which XML cannot have', () => {
  it('GET X/policies/{policyName}/ shows it as JSON; as XML alone it is a 406', async () => {
    const policy = { type: 'policy-verify-jwt', algorithm: 'HS256', secretKey: { ref: 'private.k' }, issuer: 'here' };
    await plane.done('POST', `${X}/policies/old/`, { operationMetadata: METADATA, policy });
    await plane.pool.query(
      `update events set data = jsonb_set(data, '{policy,issuer,value}', '"a\\u0001"')
       where type = 'PolicyAdded' and data ->> 'name' = 'old'`,
    );
    const read = (accept: string) => plane.call('GET', `${X}/policies/old/`, undefined, { accept });
    for (const accept of ['application/json', 'application/xml, */*;q=0.1']) {
      const { status, body } = await read(accept);
      expect(status).toBe(200);
      expect(body.resultList[0]?.['policy']).toMatchObject({ issuer: { value: 'a\u0001' } });
    }
    expect((await read('application/xml')).status).toBe(406);
  });
});
