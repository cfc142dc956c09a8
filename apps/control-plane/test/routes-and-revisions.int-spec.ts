import { RunningControlPlane, type Answer } from './testing/running-control-plane.ts';
import { policyBody, proxyBody } from './testing/request-bodies.ts';

let plane: RunningControlPlane;
let first: { name: string };
let second: { name: string };

const PROXIES = '/projects/shop/apiProxies';
const faultsOf = ({ body }: Answer): string[] =>
  (body.validation_errors ?? []).map(({ field, code }) => `${field} ${code}`).sort();
const at = (path: string, members: object = {}) => ({ clientRoute: { relativePathList: [path], ...members } });
const deployedTo = (...names: string[]) => ({ deploy: true, deployTargetEnvironmentNameList: names });
const create = (name: string, ...members: object[]) =>
  plane.call('POST', `${PROXIES}/url/`, proxyBody(name, Object.assign({}, ...members) as object));

beforeAll(async () => {
  plane = await RunningControlPlane.start({ deployTimeoutMs: 1_500 });
  await plane.done('POST', '/projects/', { name: 'shop' });
  first = await plane.environment();
  second = await plane.environment();
});
afterAll(() => plane.close());

describe('a route', () => {
  it('that another proxy has in the environment is refused, naming that proxy, and nothing is recorded', async () => {
    expect((await create('one', at('/one'), deployedTo(first.name))).status).toBe(200);
    const before = (await plane.events()).length;
    const refused = await create('other', at('/one'), deployedTo(first.name));
    expect(refused).toMatchObject({ status: 409, body: { error: 'conflict' } });
    expect(refused.body.error_description).toContain('ApiProxy (name: one)');
    expect((await plane.events()).length).toBe(before);
  });

  it('is refused in another spelling of the same path too', async () => {
    expect((await create('spelled', at('/%6Fne/'), deployedTo(first.name))).status).toBe(409);
  });

  it('is free in another environment, for another method, for another host, and while nothing is deployed', async () => {
    expect((await create('elsewhere', at('/one'), deployedTo(second.name))).status).toBe(200);
    expect((await create('of-host', at('/one', { hostList: ['a.example'] }), deployedTo(first.name))).status).toBe(200);
    expect((await create('idle', at('/one'))).status).toBe(200);
    expect((await create('get', at('/two', { methodList: ['GET'] }), deployedTo(first.name))).status).toBe(200);
    expect((await create('put', at('/two', { methodList: ['PUT'] }), deployedTo(first.name))).status).toBe(200);
    expect((await create('all', at('/two'), deployedTo(first.name))).status).toBe(409);
  });

  it('is checked when a proxy is deployed later, and free again once the other is undeployed', async () => {
    expect((await plane.call('POST', `${PROXIES}/idle/environments/${first.name}/`)).status).toBe(409);
    expect((await plane.call('DELETE', `${PROXIES}/one/environments/${first.name}/`)).status).toBe(200);
    expect((await plane.call('POST', `${PROXIES}/idle/environments/${first.name}/`)).status).toBe(200);
    expect((await plane.call('POST', `${PROXIES}/one/environments/${first.name}/`)).status).toBe(409);
    expect((await plane.call('DELETE', `${PROXIES}/idle/`)).status).toBe(200);
    expect((await plane.call('POST', `${PROXIES}/one/environments/${first.name}/`)).status).toBe(200);
  });

  it('goes to one of two clients who ask for it at once', async () => {
    const answers = await Promise.all(
      ['left', 'right', 'middle'].map((name) => create(name, at('/contested'), deployedTo(first.name))),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
  });

  it.each(['/a%zz', '/..;x', '/b%5cc', '/c%00', '/a/../b%2F..', 'no-slash'])(
    'that no gateway could find is refused: %s',
    async (path) => {
      const refused = await create('unroutable', at(path));
      expect(refused.status).toBe(400);
      expect(faultsOf(refused)).toEqual([expect.stringMatching(/^clientRoute.relativePathList\[0\] /) as string]);
    },
  );

  it.each(['/auth', '/%61uth/x', '/credential/', '/.well-known/x'])(
    'of the token service is refused: %s',
    async (path) => {
      expect(faultsOf(await create('reserved', at(path)))).toEqual(['clientRoute.relativePathList[0] reserved_path']);
    },
  );
});

describe('a revision', () => {
  it('is the entity tag of a proxy, and a change that names another is refused', async () => {
    await create('tagged', at('/tagged'));
    const policies = `${PROXIES}/tagged/policies/`;
    expect((await plane.call('GET', policies)).headers['etag']).toBe('"1"');
    const change = (name: string, tag: string) =>
      plane.call('POST', `${policies}${name}/`, policyBody(), { 'if-match': tag });
    expect((await change('a', '"1"')).status).toBe(200);
    const late = await change('b', '"1"');
    expect(late).toMatchObject({ status: 409, body: { error: 'conflict' } });
    expect(late.body.error_description).toContain('revision 2');
    expect((await plane.call('GET', `${policies}a/`)).headers['etag']).toBe('"2"');
    expect((await change('b', '"2"')).status).toBe(200);
    expect((await plane.call('DELETE', `${PROXIES}/tagged/`, undefined, { 'if-match': '"2"' })).status).toBe(409);
    expect((await change('c', 'W/"x"')).status).toBe(400);
  });
});

describe('the Redis of an environment', () => {
  it.each([
    'redis://127.0.0.1:6379/notadb',
    'redis://:a%ZZb@127.0.0.1',
    'redis://127.0.0.1:6379/1/2',
    'http://127.0.0.1',
    'redis://',
  ])('must be an address that a client can use: not %s', async (redisUrl) => {
    const refused = await plane.call('POST', '/environments/', { name: 'broken', redisUrl });
    expect(refused.status).toBe(400);
    expect(faultsOf(refused)).toEqual(['redisUrl invalid']);
    expect(refused.text).not.toContain('a%ZZb');
  });
});
