import { proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane, type Answer } from './testing/running-control-plane.ts';

interface Parameter {
  readonly in: string;
  readonly name: string;
  readonly example?: unknown;
  readonly examples?: unknown;
}

const X = '/projects/shop/apiProxies/orders';
const XML = { 'content-type': 'application/xml' };

let plane: RunningControlPlane;
let limited: { authorization: string };

beforeAll(async () => {
  plane = await RunningControlPlane.start();
  await plane.done('POST', '/projects/', { name: 'shop' });
  await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody('orders'));
  const { resultList } = await plane.done('POST', '/tokens/', {
    ...{ name: 'looker', permissions: ['VIEW'], projects: ['shop'], expiresAt: null },
  });
  limited = { authorization: `Bearer ${String(resultList[0]?.['token'])}` };
});
afterAll(() => plane.close());

const messagesOf = ({ body }: Answer): string[] => (body.validation_errors ?? []).map(({ message }) => message);

describe('a refusal says what would have been right', () => {
  it.each([
    ['DELETE', `${X}/`, 'It needs MANAGE in this project'],
    ['POST', `${X}/environments/production/`, 'It needs DEPLOY in this project'],
    ['GET', '/projects/bank/apiProxies/', 'It needs VIEW in this project'],
    ['GET', '/tokens/', 'It needs ADMIN over all projects'],
  ] as const)('%s %s by a token that may only look', async (method, path, needed) => {
    const answer = await plane.call(method, path, undefined, limited);
    expect(answer.status).toBe(403);
    expect(answer.body.error_description).toMatch(new RegExp(`${needed}$`));
  });

  it.each([
    ['POST', '<VerifyJWT name="a"><Algorithm>HS256</Algorithm></VerifyJWT>', XML],
    ['DELETE', undefined, {}],
  ] as const)(
    '%s X/policies/{policyName}/ without operationMetadata shows the query',
    async (method, body, headers) => {
      const answer = await plane.call(method, `${X}/policies/a/`, body, headers);
      expect(answer.status).toBe(400);
      expect(messagesOf(answer)).toContainEqual(expect.stringContaining('?targetScope=ALL&targetPipeline=REQUEST'));
    },
  );

  it('POST X/policies/{policyName}/ with JSON asks for a member of the body, not for the query', async () => {
    const policy = { type: 'policy-auth-jwt', jwtSignatureAlgorithm: 'HS256' };
    const answer = await plane.call('POST', `${X}/policies/a/`, { policy });
    expect(messagesOf(answer)).toEqual(['operationMetadata is required']);
  });

  it.each([
    { type: 'policy-auth-jwt', jwtSignatureAlgorithm: 'none', condition: '(((' },
    { type: 'policy-verify-jwt', condition: '(((' },
  ])('PUT X/policies/{policyName}/ tells a bad condition beside the other faults of %j', async (policy) => {
    const answer = await plane.call('PUT', `${X}/policies/a/`, {
      ...{ policy, operationMetadata: { targetScope: 'ALL', targetPipeline: 'REQUEST' } },
    });
    expect(answer.status).toBe(400);
    const faults = answer.body.validation_errors ?? [];
    expect(faults.filter(({ code }) => code === 'invalid_condition')).toHaveLength(1);
    expect(faults.length).toBeGreaterThan(1);
  });

  it('POST P/apiProxies/url/ without an address counts it in words', async () => {
    const { routingInfo: _routing, ...proxy } = proxyBody('other') as Record<string, unknown>;
    const answer = await plane.call('POST', '/projects/shop/apiProxies/url/', {
      ...proxy,
      routingInfo: { routingAddressList: [] },
    });
    expect(messagesOf(answer)).toEqual(['routingInfo.routingAddressList must have at least 1 item']);
  });
});

describe('GET /apiops/openapi', () => {
  it('gives headers of a write no example, since the page to try calls at would send it', async () => {
    const { body } = await plane.call('GET', '/openapi');
    const { parameters } = (body as unknown as { components: { parameters: Record<string, Parameter> } }).components;
    expect(Object.values(parameters).map(({ name }) => name)).toEqual(
      expect.arrayContaining(['Idempotency-Key', 'If-Match']),
    );
    expect(Object.values(parameters).filter((one) => 'example' in one || 'examples' in one)).toEqual([]);
  });
});
