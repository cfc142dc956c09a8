import { METADATA, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';

const X = '/projects/shop/apiProxies/orders';
const POLICIES = [
  { type: 'policy-auth-jwt', jwtSignatureAlgorithm: 'HS256' },
  { type: 'policy-verify-jwt', algorithm: 'HS256', secretKey: { ref: 'private.k' }, issuer: 'me' },
  { type: 'policy-raise-fault', statusCode: 403, payload: '{"no":1}' },
];

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
