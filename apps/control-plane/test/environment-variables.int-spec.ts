import type { ProxyArtifact } from '#libs/policy-contracts';
import { FakeGateway } from './testing/fake-gateway.ts';
import { METADATA, proxyBody, verificationBody } from './testing/request-bodies.ts';
import { RunningControlPlane, type Answer } from './testing/running-control-plane.ts';

const P = '/projects/shop';
const AT = `${P}/environmentVariables`;

let plane: RunningControlPlane;
let one: Awaited<ReturnType<RunningControlPlane['environment']>>;
let two: typeof one;
const call: RunningControlPlane['call'] = (...request) => plane.call(...request);

beforeAll(async () => {
  plane = await RunningControlPlane.start();
  [one, two] = [await plane.environment(), await plane.environment()];
  for (const name of ['shop', 'other']) await plane.done('POST', '/projects/', { name });
});
afterAll(() => plane.close());

const faultsOf = ({ body }: Answer): string[] =>
  (body.validation_errors ?? []).map(({ field, code }) => `${field} ${code}`).sort();
const viewOf = async (name: string) => (await plane.done('GET', `${AT}/${name}/`)).resultList[0];

let names = 0;
const freshName = (prefix = 'variable'): string => `${prefix}.${(names += 1)}`;

describe('POST P/environmentVariables/{name}/', () => {
  it('with a global value, the list null or empty; GET gives it back', async () => {
    for (const environmentValueList of [null, []]) {
      const name = freshName();
      const body = { name, description: 'd', global: true, globalValue: 'v', globalVisible: true };
      await plane.done('POST', `${AT}/${name}/`, { ...body, environmentValueList });
      expect(await viewOf(name)).toEqual({ ...body, environmentValueList: [] });
    }
  });

  it('with a value for each environment; GET P/environmentVariables/ lists it', async () => {
    const name = freshName();
    const environmentValueList = [one, two].map((environment) => ({
      ...{ environmentName: environment.name, value: `of ${environment.name}`, visible: true },
    }));
    await plane.done('POST', `${AT}/${name}/`, { globalValue: null, environmentValueList });
    const expected = { name, description: '', global: false, globalValue: null, globalVisible: true };
    const listed = (await plane.done('GET', `${AT}/`)).resultList.find((view) => view['name'] === name);
    expect(listed).toMatchObject(expected);
    expect(listed?.['environmentValueList']).toEqual(expect.arrayContaining(environmentValueList));
    expect((await plane.done('GET', '/projects/other/environmentVariables/')).resultList).toEqual([]);
  });

  it('never gives back what is not visible or private, nor what does not say that it is visible', async () => {
    const [plain, secret] = [freshName(), freshName('private')];
    const value = 'never-shown-anywhere';
    const environmentValueList = [
      { environmentName: one.name, value, visible: false },
      { environmentName: two.name, value },
    ];
    await plane.done('POST', `${AT}/${plain}/`, { environmentValueList });
    const visible = [{ environmentName: one.name, value, visible: true }];
    const { warnings } = await plane.done('POST', `${AT}/${secret}/`, { environmentValueList: visible });
    expect(warnings).toMatchObject([{ field: 'environmentValueList[0].visible' }]);
    await plane.done('POST', `${AT}/${freshName()}/`, { global: true, globalValue: value, globalVisible: false });
    const hidden = { value: null, visible: false };
    expect(await viewOf(plain)).toMatchObject({ environmentValueList: [hidden, hidden] });
    expect(await viewOf(secret)).toMatchObject({ environmentValueList: [hidden] });
    const seen = [await call('GET', `${AT}/`), await call('GET', `${AT}/${secret}/`)].map(({ text }) => text);
    expect(JSON.stringify([seen, await plane.events(), plane.logLines])).not.toContain(value);
  });

  it.each(['request', 'response', 'jwt', 'proxy', 'client', 'fault', 'system', 'environment'])(
    'of a name under %s. is refused',
    async (prefix) => {
      for (const name of [prefix, `${prefix}.x`]) {
        const answer = await call('POST', `${AT}/${name}/`, { global: true, globalValue: 'x' });
        expect([answer.status, faultsOf(answer)]).toEqual([400, ['name reserved_prefix']]);
      }
      await plane.done('POST', `${AT}/${prefix}s.x/`, { global: true, globalValue: 'x' });
    },
  );

  it.each([
    ['no.name', {}, { status: 200, warnings: ['environmentValueList'] }],
    [
      'read.back',
      { projectId: 'p', projectName: 'shop', global: true, globalValue: 'x' },
      { status: 200, warnings: ['projectId', 'projectName'] },
    ],
  ])('%s with %j is taken with warnings', async (name, body, { status, warnings }) => {
    const answer = await call('POST', `${AT}/${name}/`, body);
    expect([answer.status, answer.body.warnings?.map(({ field }) => field)]).toEqual([status, warnings]);
  });

  it.each([
    ['a', { global: true }, ['globalValue required']],
    ['a', { globalValue: 'x' }, ['globalValue invalid']],
    ['a', { name: 'A', global: true, globalValue: 'x' }, ['name invalid']],
    [
      'a',
      { global: true, globalValue: 'x', environmentValueList: [{ environmentName: 'x', value: 'y' }] },
      ['environmentValueList invalid'],
    ],
    [
      'a',
      { global: 'yes', globalValue: 1, globalVisible: 0, description: [], more: 1, environmentValueList: {} },
      [
        ...['description wrong_type', 'environmentValueList wrong_type', 'global wrong_type', 'globalValue wrong_type'],
        ...['globalVisible wrong_type', 'more unknown_field'],
      ],
    ],
    [
      'jwt.b',
      { environmentValueList: [{ value: 1 }, { environmentName: 'x', visible: 'no', secret: true }] },
      [
        ...['environmentValueList[0].environmentName required', 'environmentValueList[0].value wrong_type'],
        ...['environmentValueList[1].secret unknown_field', 'environmentValueList[1].value required'],
        ...['environmentValueList[1].visible wrong_type', 'name reserved_prefix'],
      ],
    ],
    [
      'a',
      {
        environmentValueList: [
          { environmentName: 'x', value: 'y' },
          { environmentName: 'x', value: 'z' },
        ],
      },
      ['environmentValueList[1].environmentName invalid'],
    ],
    [
      'a',
      {
        environmentValueList: [
          { environmentName: 'nowhere', value: 'y' },
          { environmentName: 'nor there', value: 'z' },
        ],
      },
      [
        'environmentValueList[0].environmentName unknown_environment',
        'environmentValueList[1].environmentName unknown_environment',
      ],
    ],
    ['a', { global: true, globalValue: 'x'.repeat(100_001) }, ['globalValue out_of_range']],
    ['a%20b', { global: true, globalValue: 'x' }, ['name invalid']],
  ] as const)('%s is refused with every fault (%#)', async (name, body, faults) => {
    const before = (await plane.events()).length;
    const answer = await call('POST', `${AT}/${name}/`, body);
    expect([answer.status, faultsOf(answer)]).toEqual([400, faults]);
    expect((await plane.events()).length).toBe(before);
  });

  it('of a name that is taken is a 409, in another project it is free', async () => {
    const name = freshName();
    const body = { global: true, globalValue: 'x' };
    await plane.done('POST', `${AT}/${name}/`, body);
    expect((await call('POST', `${AT}/${name}/`, body)).status).toBe(409);
    await plane.done('POST', `/projects/other/environmentVariables/${name}/`, body);
  });
});

it('a policy-raise-fault that would show a variable that is not visible is saved with a warning', async () => {
  const [hidden, shown] = [freshName(), freshName()];
  for (const name of [hidden, shown]) {
    await plane.done('POST', `${AT}/${name}/`, { global: true, globalValue: 'v', globalVisible: name === shown });
  }
  await plane.done('POST', `${P}/apiProxies/url/`, proxyBody('shows'));
  const policy = { type: 'policy-raise-fault', statusCode: 403, payload: `{${hidden}} {${shown}} {request.path}` };
  const { warnings } = await plane.done('POST', `${P}/apiProxies/shows/policies/deny/`, {
    ...{ operationMetadata: METADATA, policy },
  });
  const message = `policy.payload shows nothing of the variable ${hidden}: it is not visible`;
  expect(warnings).toEqual([{ field: 'policy.payload', message }]);
});

describe('PUT and DELETE P/environmentVariables/{name}/', () => {
  it('PUT replaces whole, DELETE frees the name', async () => {
    const name = freshName();
    await plane.done('POST', `${AT}/${name}/`, { description: 'first', global: true, globalValue: 'x' });
    const environmentValueList = [{ environmentName: one.name, value: 'y', visible: true }];
    await plane.done('PUT', `${AT}/${name}/`, { environmentValueList });
    expect(await viewOf(name)).toMatchObject({ description: '', global: false, environmentValueList });
    await plane.done('DELETE', `${AT}/${name}/`);
    expect((await call('GET', `${AT}/${name}/`)).status).toBe(404);
    await plane.done('POST', `${AT}/${name}/`, { global: true, globalValue: 'x' });
  });

  it.each(['GET', 'PUT', 'DELETE'] as const)('%s of one that is not there is a 404', async (method) => {
    const body = method === 'PUT' ? { global: true, globalValue: 'x' } : undefined;
    expect((await call(method, `${AT}/none/`, body)).status).toBe(404);
    expect((await call(method, '/projects/none/environmentVariables/none/', body)).status).toBe(404);
  });

  it.each([
    ['PUT', { global: true }],
    ['PUT', { environmentValueList: [{ environmentName: 'nowhere', value: 'x' }] }],
  ] as const)('%s with %j is a 400 and changes nothing', async (method, body) => {
    const name = freshName();
    await plane.done('POST', `${AT}/${name}/`, { global: true, globalValue: 'kept' });
    expect((await call(method, `${AT}/${name}/`, body)).status).toBe(400);
    expect(await viewOf(name)).toMatchObject({ globalValue: 'kept' });
  });
});

describe('a change of a variable', () => {
  const used = 'private.used';
  const proxyIds = new Map<string, string>();
  const value = (text: string) => ({ global: true, globalValue: text.repeat(32).slice(0, 32) });
  beforeAll(async () => {
    await plane.done('POST', `${AT}/${used}/`, value('a'));
    for (const name of ['user', 'stranger', 'idle']) {
      await plane.done('POST', `${P}/apiProxies/url/`, proxyBody(name));
      const found = await plane.pool.query<{ entity_id: string }>(
        `select entity_id from names where kind = 'api-proxy' and name = $1`,
        [name],
      );
      proxyIds.set(name, found.rows[0]?.entity_id ?? '');
    }
    const metadata = { deploy: true, deployTargetEnvironmentNameList: [one.name] };
    await plane.done('POST', `${P}/apiProxies/user/policies/check/`, verificationBody(metadata, used));
    await plane.done('POST', `${P}/apiProxies/idle/policies/check/`, verificationBody({}, used));
    await plane.done('POST', `${P}/apiProxies/stranger/environments/${one.name}/`);
  });

  it('deploys the proxies that use it where they are deployed, and no others', async () => {
    const { deploymentResult } = await plane.done('PUT', `${AT}/${used}/`, value('b'));
    expect(deploymentResult.deploymentResults).toMatchObject([
      { environmentName: one.name, success: true, revision: 2 },
    ]);
    const gateway = await FakeGateway.admitted(plane.redis, one);
    expect((await gateway.artifactOf(proxyIds.get('user') ?? ''))?.text).toContain('b'.repeat(32));
    expect((await gateway.artifactOf(proxyIds.get('stranger') ?? ''))?.deployment).toBe(2);
    expect(await gateway.artifactOf(proxyIds.get('idle') ?? '')).toBeUndefined();
  });

  const deployedTo = ({ deploymentResult }: Awaited<ReturnType<typeof plane.done>>) =>
    deploymentResult.deploymentResults.map(({ environmentName }) => environmentName).sort();

  it('whose name another begins with, or that a text only mentions, is none of theirs', async () => {
    const [begun, mentioned] = ['private.use', 'reason.for.it'];
    const policy = { ...verificationBody({}, used).policy, description: `${mentioned} ${begun}`, displayName: begun };
    const metadata = { ...METADATA, deploy: true, deployTargetEnvironmentNameList: [one.name] };
    await plane.done('PUT', `${P}/apiProxies/user/policies/check/`, { operationMetadata: metadata, policy });
    for (const name of [begun, mentioned]) {
      expect(deployedTo(await plane.done('POST', `${AT}/${name}/`, value('n')))).toEqual([]);
      expect(deployedTo(await plane.done('PUT', `${AT}/${name}/`, value('m')))).toEqual([]);
    }
    await plane.done('POST', `${P}/apiProxies/user/environments/${one.name}/`);
    const gateway = await FakeGateway.admitted(plane.redis, one);
    const artifact = JSON.parse((await gateway.artifactOf(proxyIds.get('user') ?? ''))?.text ?? '') as ProxyArtifact;
    expect(Object.keys(artifact.variables)).toEqual([used]);
  });

  it('of one that only an inactive policy names deploys nothing, and its value is in no artifact', async () => {
    const name = freshName('private');
    await plane.done('POST', `${AT}/${name}/`, value('i'));
    const { policy } = verificationBody({}, name);
    const metadata = { ...METADATA, deploy: true, deployTargetEnvironmentNameList: [one.name] };
    const sleeping = { operationMetadata: metadata, policy: { ...policy, active: false } };
    await plane.done('POST', `${P}/apiProxies/user/policies/sleeping/`, sleeping);
    expect(deployedTo(await plane.done('PUT', `${AT}/${name}/`, value('j')))).toEqual([]);
    const gateway = await FakeGateway.admitted(plane.redis, one);
    const textNow = async () => (await gateway.artifactOf(proxyIds.get('user') ?? ''))?.text;
    expect(await textNow()).not.toContain('i'.repeat(32));
    await plane.done('PUT', `${P}/apiProxies/user/policies/sleeping/`, { operationMetadata: metadata, policy });
    expect(await textNow()).toContain('j'.repeat(32));
  });

  it('deploys where the value is another one, and nowhere when none is', async () => {
    const name = freshName();
    const policy = { ...verificationBody({}, used).policy, forwardVariables: [{ variable: name, header: 'X-V' }] };
    const names = [one.name, two.name].sort();
    const metadata = { ...METADATA, deploy: true, deployTargetEnvironmentNameList: names };
    await plane.done('PUT', `${P}/apiProxies/user/policies/check/`, { operationMetadata: metadata, policy });
    const of = (first: string, second?: string, visible = false) => ({
      environmentValueList: [
        { environmentName: one.name, value: first, visible },
        ...(second === undefined ? [] : [{ environmentName: two.name, value: second, visible }]),
      ],
    });
    const put = async (body: object) => deployedTo(await plane.done('PUT', `${AT}/${name}/`, body));
    expect(deployedTo(await plane.done('POST', `${AT}/${name}/`, of('1', '1')))).toEqual(names);
    expect(await put(of('1', '2'))).toEqual([two.name]);
    expect(await put({ ...of('1', '2'), description: 'another one' })).toEqual([]);
    expect(await put(of('1'))).toEqual([two.name]);
    expect(await put(of('1', undefined, true))).toEqual([one.name]);
    expect(await put({ global: true, globalValue: '1' })).toEqual([two.name]);
    expect(await put({ global: true, globalValue: '1', description: 'the same' })).toEqual([]);
    expect(await put({ global: true, globalValue: '2' })).toEqual(names);
    expect(await put({ global: true, globalValue: '2', globalVisible: false })).toEqual(names);
    expect(deployedTo(await plane.done('DELETE', `${AT}/${name}/`))).toEqual(names);
  });

  it('that would deploy is a 403 without the permission DEPLOY and changes nothing; one that would not is done', async () => {
    const token = (
      await plane.done('POST', '/tokens/', { name: 'manager', permissions: ['MANAGE'], projects: ['shop'] })
    ).resultList[0]?.['token'];
    const headers = { authorization: `Bearer ${String(token)}` };
    const before = (await plane.events()).length;
    for (const [method, body] of [
      ['PUT', value('c')],
      ['DELETE', undefined],
    ] as const) {
      const answer = await call(method, `${AT}/${used}/`, body, headers);
      expect([answer.status, answer.body.error]).toEqual([403, 'access_denied']);
    }
    expect((await plane.events()).length).toBe(before);
    const unused = `${AT}/${freshName()}/`;
    const environmentValueList = [{ environmentName: one.name, value: 'x', visible: true }];
    await plane.done('POST', unused, { environmentValueList }, headers);
    await plane.done('PUT', unused, { environmentValueList }, headers);
    await plane.done('DELETE', unused, undefined, headers);
  });
});
