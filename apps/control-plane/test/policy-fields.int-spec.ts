import {
  ADDED_POLICY_CASES,
  ENDPOINT,
  KEY_STORE,
  PLACE_CASES,
  SEED_POLICY_CASES,
  SHARED_POLICY_CASES,
  WHOLE_CASES,
} from './testing/auth-jwt-field-cases.ts';
import { refuses, type FieldCase } from './testing/field-cases.ts';
import { RAISE_FAULT, RAISE_FAULT_CASES, VERIFY_JWT, VERIFY_JWT_CASES } from './testing/other-policy-field-cases.ts';
import { AUTH_JWT, METADATA, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane, type Answer } from './testing/running-control-plane.ts';

const X = '/projects/shop/apiProxies/orders';
const POLICIES = `${X}/policies`;
const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD'];

type Members = Readonly<Record<string, unknown>>;
type Body = Readonly<Record<string, Members>>;

let plane: RunningControlPlane;
let environment: { name: string };
let added = 0;

beforeAll(async () => {
  plane = await RunningControlPlane.start({ deployTimeoutMs: 3_000 });
  await plane.done('POST', '/projects/', { name: 'shop' });
  await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody('orders'));
  for (const httpMethod of METHODS) await plane.done('POST', `${X}/endpoints/`, { name: ENDPOINT, httpMethod });
  const rsa = { keySize: 2048, keyUseType: 'SIGNATURE', algorithm: 'RSA256', keyIdType: 'SHA256' };
  await plane.done('POST', '/projects/shop/jwks/generate', { name: KEY_STORE, type: 'RSA', rsa });
  environment = await plane.environment();
  for (const policy of [AUTH_JWT, VERIFY_JWT, RAISE_FAULT]) {
    await plane.done('POST', `${POLICIES}/kept-${policy.type}/`, { operationMetadata: METADATA, policy });
  }
});
afterAll(() => plane.close());

const PLACEHOLDER = '"@value@"';

/** The body as text, so that a number goes out as it is written. */
function textOf({ field, json, beside }: FieldCase, body: Body): string {
  const [first = '', ...rest] = field.split('.');
  const member = rest.join('.');
  const mark = json === undefined ? undefined : '@value@';
  const changed = member === '' ? mark : { ...body[first], ...beside, [member]: mark };
  return JSON.stringify({ ...body, [first]: changed }).replace(PLACEHOLDER, () => json ?? '');
}

const send = (method: 'POST' | 'PUT' | 'DELETE', path: string, text: string): Promise<Answer> =>
  plane.call(method, path, text, { 'content-type': 'application/json' });

const faultsOf = ({ body }: Answer): string[] =>
  (body.validation_errors ?? []).map(({ field, code }) => `${field} ${code}`).sort();

async function eventCount(): Promise<number> {
  const found = await plane.pool.query<{ count: number }>(`select count(*)::int as count from events`);
  return found.rows[0]?.count ?? 0;
}

async function expectRefusal(one: FieldCase, ask: () => Promise<Answer>): Promise<void> {
  if (one.expected.kind !== 'refused') throw new Error('not a refusal');
  const before = await eventCount();
  const answer = await ask();
  expect([answer.status, answer.body.error, faultsOf(answer)]).toEqual([400, 'validation_failed', one.expected.faults]);
  expect(answer.body.validation_errors?.[0]?.message).toMatch(one.expected.message);
  expect(answer.body).toMatchObject({ success: false, status: 'FAILURE' });
  expect(await eventCount()).toBe(before);
}

/** The member as `GET X/policies/{policyName}/` shows it. */
async function shownAt(policyName: string, field: string): Promise<unknown> {
  const { resultList } = await plane.done('GET', `${POLICIES}/${policyName}/`);
  const [first = '', member = ''] = field.split('.');
  return (resultList[0]?.[first] as Members)[member];
}

/** Added as a new policy, and put in place of one that is there: the answers must be the same. */
async function tryOut(one: FieldCase, body: Body): Promise<void> {
  const text = textOf(one, body);
  const kept = `kept-${String(body['policy']?.['type'])}`;
  if (one.expected.kind === 'refused') {
    await expectRefusal(one, () => send('POST', `${POLICIES}/new/`, text));
    await expectRefusal(one, () => send('PUT', `${POLICIES}/${kept}/`, text));
    return;
  }
  // A name of its own: what one case leaves behind is not the next one's fault.
  added += 1;
  const name = `new-${added}`;
  const answer = await send('POST', `${POLICIES}/${name}/`, text);
  expect({ status: answer.status, text: answer.text }).toEqual({ status: 200, text: answer.text });
  expect(await shownAt(name, one.field)).toEqual(one.expected.shown);
  if (one.expected.warns !== undefined) {
    const warned = (answer.body.warnings ?? []).some(({ field }) => field === one.field);
    expect(warned).toBe(one.expected.warns);
  }
  const { targetScope, targetPipeline } = (await plane.done('GET', `${POLICIES}/${name}/`)).resultList[0]?.[
    'operationMetadata'
  ] as Members;
  await plane.done('DELETE', `${POLICIES}/${name}/`, { operationMetadata: { targetScope, targetPipeline } });
  const replaced = await send('PUT', `${POLICIES}/${kept}/`, text);
  expect({ status: replaced.status, text: replaced.text }).toEqual({ status: 200, text: replaced.text });
  expect(await shownAt(kept, one.field)).toEqual(one.expected.shown);
}

const titled = (cases: readonly FieldCase[]): [string, string, string, FieldCase][] =>
  cases.map((one) => [
    one.field,
    one.what,
    one.expected.kind === 'accepted' ? `is shown as ${JSON.stringify(one.expected.shown)?.slice(0, 60)}` : 'is refused',
    one,
  ]);

const WITH = { operationMetadata: METADATA };

describe('POST and PUT X/policies/{policyName}/: policy-auth-jwt of the seed', () => {
  it.each(titled(SEED_POLICY_CASES))('%s %s %s', async (_field, _what, _how, one) => {
    await tryOut(one, { ...WITH, policy: AUTH_JWT });
  });
});

describe('POST and PUT X/policies/{policyName}/: what the contract adds to policy-auth-jwt', () => {
  it.each(titled([...ADDED_POLICY_CASES, ...SHARED_POLICY_CASES]))('%s %s %s', async (_field, _what, _how, one) => {
    const beside = one.field === 'policy.keyStoreName' ? { jwtSignatureAlgorithm: 'RS256' } : {};
    await tryOut(one, { ...WITH, policy: { ...AUTH_JWT, ...beside } });
  });
});

describe('POST and PUT X/policies/{policyName}/: policy-verify-jwt', () => {
  const cases = [...VERIFY_JWT_CASES, ...SHARED_POLICY_CASES];
  it.each(titled(cases))('%s %s %s', async (_field, _what, _how, one) => {
    await tryOut(one, { ...WITH, policy: VERIFY_JWT });
  });
});

describe('POST and PUT X/policies/{policyName}/: policy-raise-fault', () => {
  const cases = [...RAISE_FAULT_CASES, ...SHARED_POLICY_CASES];
  it.each(titled(cases))('%s %s %s', async (_field, _what, _how, one) => {
    await tryOut(one, { ...WITH, policy: RAISE_FAULT });
  });
});

describe('POST and PUT X/policies/{policyName}/: operationMetadata of the seed', () => {
  it.each(titled([...PLACE_CASES, ...WHOLE_CASES]))('%s %s %s', async (_field, _what, _how, one) => {
    await tryOut(one, { ...WITH, policy: AUTH_JWT });
  });

  it.each([
    ['POST', 'a path that no endpoint has', { targetEndpoint: '/elsewhere', targetEndpointHTTPMethod: 'GET' }],
    ['PUT', 'a path that no endpoint has', { targetEndpoint: '/elsewhere', targetEndpointHTTPMethod: 'GET' }],
    ['POST', 'a path in other words', { targetEndpoint: '/users/{name}', targetEndpointHTTPMethod: 'GET' }],
    ['PUT', 'a path in other words', { targetEndpoint: '/users/{name}', targetEndpointHTTPMethod: 'GET' }],
  ] as const)('%s is refused for %s', async (method, _what, endpoint) => {
    const one = refuses('operationMetadata.targetEndpoint', undefined, 'unknown_endpoint', { message: /is not found/ });
    const name = method === 'POST' ? 'new' : 'kept-policy-auth-jwt';
    const operationMetadata = { ...METADATA, targetScope: 'ENDPOINT', ...endpoint };
    const text = JSON.stringify({ operationMetadata, policy: AUTH_JWT });
    await expectRefusal(one, () => send(method, `${POLICIES}/${name}/`, text));
  });

  it.each([
    ['left out', undefined, true],
    ['null', null, true],
    ['true', true, true],
    ['false', false, false],
  ])('deploy %s: POST and PUT deploy where it says so, and by default', async (_what, deploy, deploys) => {
    const { deploy: _deploy, ...metadata } = METADATA;
    const operationMetadata = { ...metadata, deploy, deployTargetEnvironmentNameList: [environment.name] };
    const body = { operationMetadata, policy: AUTH_JWT };
    for (const answer of [
      await plane.done('POST', `${POLICIES}/deployed/`, body),
      await plane.done('PUT', `${POLICIES}/deployed/`, body),
    ]) {
      const names = answer.deploymentResult.deploymentResults.map(({ environmentName }) => environmentName);
      expect(names).toEqual(deploys ? [environment.name] : []);
    }
    await plane.done('DELETE', `${POLICIES}/deployed/`, { operationMetadata: metadata });
  });

  it.each([
    ['1', 1, 0],
    ['2', 2, 1],
    ['the number of policies', 3, 2],
    ['beyond the end', 4, 3],
    ['2^53 - 1', Number.MAX_SAFE_INTEGER, 3],
    ['null', null, 3],
    ['left out', undefined, 3],
  ])('order %s: POST puts it there, and the others shift', async (_what, order, index) => {
    const name = `ordered-${index}-${String(order)}`;
    const targetPipeline = 'ERROR';
    const at = `/projects/shop/apiProxies/${name}`;
    await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody(name));
    const add = (policyName: string, members: object) =>
      plane.done('POST', `${at}/policies/${policyName}/`, {
        operationMetadata: { ...METADATA, targetPipeline, ...members },
        policy: AUTH_JWT,
      });
    for (const policyName of ['a', 'b', 'c']) await add(policyName, {});
    await add('new', { order });
    const { resultList } = await plane.done('GET', `${at}/policies/`);
    const { errorPolicyList } = resultList[0]?.['apiProxy'] as { errorPolicyList: { name: string; order: number }[] };
    expect(errorPolicyList.map((one) => one.name)).toEqual(['a', 'b', 'c'].toSpliced(index, 0, 'new'));
    expect(errorPolicyList.map((one) => one.order)).toEqual([1, 2, 3, 4]);
  });
});

describe('DELETE X/policies/{policyName}/: operationMetadata of the seed', () => {
  /** In a deletion the endpoint may be left out (contract 4.1). */
  const isOptionalHere = ({ field, json }: FieldCase) =>
    /targetEndpoint(HTTPMethod)?$/.test(field) && (json === undefined || json === 'null');
  const refused = [...PLACE_CASES, ...WHOLE_CASES].filter(
    (one) => one.expected.kind === 'refused' && !isOptionalHere(one),
  );
  it.each(titled(refused))('%s %s %s', async (_field, _what, _how, one) => {
    await expectRefusal(one, () => send('DELETE', `${POLICIES}/kept-policy-auth-jwt/`, textOf(one, WITH)));
  });

  const ALL_OF = { targetScope: 'ENDPOINT', targetEndpoint: ENDPOINT, targetEndpointHTTPMethod: 'PATCH' };
  it.each([
    ['scope and pipeline alone', { targetScope: 'ENDPOINT' }],
    ['an endpoint of null', { targetScope: 'ENDPOINT', targetEndpoint: null, targetEndpointHTTPMethod: null }],
    ['the path alone', { targetScope: 'ENDPOINT', targetEndpoint: ENDPOINT }],
    ['the method alone', { targetScope: 'ENDPOINT', targetEndpointHTTPMethod: 'PATCH' }],
    ['all of it, and an order, which says nothing', { ...ALL_OF, order: 7 }],
  ])('takes %s', async (_what, place) => {
    const path = `${POLICIES}/placed/`;
    const targetPipeline = 'RESPONSE';
    await plane.done('POST', path, { operationMetadata: { ...METADATA, ...ALL_OF, targetPipeline }, policy: AUTH_JWT });
    const { deploymentResult } = await plane.done('DELETE', path, { operationMetadata: { ...place, targetPipeline } });
    expect(deploymentResult).toEqual({ success: true, deploymentResults: [] });
    expect((await plane.call('GET', path)).status).toBe(404);
  });

  it.each([
    ['the other scope', { targetScope: 'ALL' }],
    ['another pipeline', { targetScope: 'ENDPOINT', targetPipeline: 'ERROR' }],
    ['another path', { ...ALL_OF, targetEndpoint: '/elsewhere' }],
    ['another method', { ...ALL_OF, targetEndpointHTTPMethod: 'GET' }],
  ])('is a 404 for %s than the policy has', async (_what, place) => {
    const path = `${POLICIES}/stays/`;
    const body = { operationMetadata: { ...METADATA, ...ALL_OF, targetPipeline: 'RESPONSE' }, policy: AUTH_JWT };
    await plane.call('POST', path, body);
    const before = await eventCount();
    const answer = await plane.call('DELETE', path, { operationMetadata: { targetPipeline: 'RESPONSE', ...place } });
    expect([answer.status, answer.body.error]).toEqual([404, 'not_found']);
    expect(await eventCount()).toBe(before);
  });

  it.each([
    ['left out', undefined, false],
    ['null', null, false],
    ['false', false, false],
    ['true', true, true],
  ])('deploy %s: deploys where it says so, never by default', async (_what, deploy, deploys) => {
    const path = `${POLICIES}/leaving/`;
    await plane.done('POST', path, { operationMetadata: METADATA, policy: AUTH_JWT });
    const operationMetadata = { targetScope: 'ALL', targetPipeline: 'REQUEST', deploy };
    const { deploymentResult } = await plane.done('DELETE', path, {
      operationMetadata: { ...operationMetadata, deployTargetEnvironmentNameList: [environment.name] },
    });
    const names = deploymentResult.deploymentResults.map(({ environmentName }) => environmentName);
    expect(names).toEqual(deploys ? [environment.name] : []);
  });
});

describe('every type at every place', () => {
  const places = (['ALL', 'ENDPOINT'] as const).flatMap((targetScope) =>
    (['REQUEST', 'RESPONSE', 'ERROR'] as const).map((targetPipeline) => ({ targetScope, targetPipeline })),
  );
  const rows = [AUTH_JWT, VERIFY_JWT, RAISE_FAULT].flatMap((policy) =>
    places.map((place) => [policy.type, place.targetScope, place.targetPipeline, policy] as const),
  );

  it.each(rows)('%s goes to %s %s, and GET X/policies/ lists it there alone', async (type, scope, pipeline, policy) => {
    const name = `at-${type}-${scope}-${pipeline}`;
    const endpoint = { targetEndpoint: ENDPOINT, targetEndpointHTTPMethod: 'OPTIONS' };
    const place = {
      ...{ targetScope: scope, targetPipeline: pipeline },
      ...(scope === 'ALL' ? { targetEndpoint: null, targetEndpointHTTPMethod: null } : endpoint),
    };
    await plane.done('POST', `${POLICIES}/${name}/`, { operationMetadata: { ...place, deploy: false }, policy });
    const one = await plane.done('GET', `${POLICIES}/${name}/`);
    expect(one.resultList[0]).toMatchObject({ policy: { ...policy, name }, operationMetadata: place });
    const { apiProxy, endpointList } = (await plane.done('GET', `${POLICIES}/`)).resultList[0] as {
      apiProxy: Record<string, { name: string; type: string }[]>;
      endpointList: ({ endpoint: string; httpMethod: string } & Record<string, { name: string; type: string }[]>)[];
    };
    const lists = [
      { at: 'ALL', of: apiProxy },
      ...endpointList.map((of) => ({ at: `${of.endpoint} ${of.httpMethod}`, of })),
    ].flatMap(({ at, of }) =>
      ['requestPolicyList', 'responsePolicyList', 'errorPolicyList'].map((list) => ({ at, list, policies: of[list] })),
    );
    const found = lists.filter(({ policies }) => policies?.some((listed) => listed.name === name));
    expect(found.map(({ at, list }) => [at, list])).toEqual([
      [scope === 'ALL' ? 'ALL' : `${ENDPOINT} OPTIONS`, `${pipeline.toLowerCase()}PolicyList`],
    ]);
    expect(found[0]?.policies?.find((listed) => listed.name === name)).toMatchObject({ type });
  });
});
