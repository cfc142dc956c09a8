import { proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane, type Answer } from './testing/running-control-plane.ts';

const PROXIES = '/projects/shop/apiProxies';

type Environment = Awaited<ReturnType<RunningControlPlane['environment']>>;
interface Route {
  readonly relativePathList?: readonly string[];
  readonly hostList?: readonly string[];
  readonly methodList?: readonly string[];
  readonly headerList?: readonly { readonly name: string; readonly value: string }[];
}

let plane: RunningControlPlane;
let one: Environment;
let two: Environment;
let proxies = 0;

beforeAll(async () => {
  plane = await RunningControlPlane.start({ deployTimeoutMs: 1_500 });
  await plane.done('POST', '/projects/', { name: 'shop' });
  [one, two] = [await plane.environment(), await plane.environment()];
});
afterAll(() => plane.close());

const to = (...names: string[]) => ({ deploy: true, deployTargetEnvironmentNameList: names });
const isRefused = ({ status, body }: Answer, holder: string): void => {
  expect([status, body.error]).toEqual([409, 'conflict']);
  expect(body.error_description).toContain(`ApiProxy (name: ${holder})`);
};

/** A proxy of its own name; nothing is deployed but what is asked for. */
async function proxy(clientRoute: Route, members: object = {}): Promise<string> {
  proxies += 1;
  await plane.done('POST', `${PROXIES}/url/`, proxyBody(`p${proxies}`, { clientRoute, ...members }));
  return `p${proxies}`;
}

const V2 = { name: 'X-Version', value: 'v2' };
const WEB = { name: 'X-Client', value: 'web' };

describe('two proxies in one environment', () => {
  /** Each pair under a path of its own, which stands for `$`. */
  it.each<[Route, Route]>([
    [{ relativePathList: ['$'] }, { relativePathList: ['$/'] }],
    [{ relativePathList: ['$/a'] }, { relativePathList: ['$//a'] }],
    [{ relativePathList: ['$/a'] }, { relativePathList: ['$/./a'] }],
    [{ relativePathList: ['$/a'] }, { relativePathList: ['$/b/../a'] }],
    [{ relativePathList: ['$/~a'] }, { relativePathList: ['$/%7ea'] }],
    [{ relativePathList: ['$/a%2Fb'] }, { relativePathList: ['$/a%2fb'] }],
    [{ relativePathList: ['$/\u00e9'] }, { relativePathList: ['$/%C3%A9'] }],
    [{ relativePathList: ['$/a', '$/b'] }, { relativePathList: ['$/c', '$/b'] }],
    [{ hostList: ['A.example'] }, { hostList: ['a.EXAMPLE'] }],
    [{ hostList: ['a.example', 'b.example'] }, { hostList: ['b.example'] }],
    [{ hostList: ['*.example'] }, { hostList: ['*.Example'] }],
    [{ methodList: ['GET', 'PUT'] }, { methodList: ['PUT'] }],
    [{ methodList: ['GET'] }, { methodList: ['ALL'] }],
    [{ methodList: ['GET'] }, { methodList: [] }],
    [{ methodList: ['GET'] }, { methodList: ['ALL', 'POST'] }],
    [{ headerList: [V2, WEB] }, { headerList: [WEB, { ...V2, name: 'x-VERSION' }] }],
    [{ headerList: [V2, V2] }, { headerList: [V2] }],
  ])('cannot be told apart by %j and %j: 409 naming the other, and nothing is recorded', async (first, second) => {
    const path = `/same-${proxies}`;
    const under = (route: Route): Route => ({
      ...route,
      relativePathList: (route.relativePathList ?? ['$']).map((text) => text.replace('$', path)),
    });
    const holder = await proxy(under(first), to(one.name));
    const before = (await plane.events()).length;
    const body = proxyBody('second', { clientRoute: under(second), ...to(one.name) });
    isRefused(await plane.call('POST', `${PROXIES}/url/`, body), holder);
    expect((await plane.events()).length).toBe(before);
  });

  it.each<[Route, Route]>([
    [{ relativePathList: ['$'] }, { relativePathList: ['$/a'] }],
    [{ relativePathList: ['$/a'] }, { relativePathList: ['$/A'] }],
    [{ relativePathList: ['$/a%2Fb'] }, { relativePathList: ['$/a/b'] }],
    [{ hostList: ['*.example'] }, { hostList: ['a.example'] }],
    [{ hostList: ['*.example'] }, { hostList: ['*.a.example'] }],
    [{ hostList: [] }, { hostList: ['a.example'] }],
    [{ methodList: ['GET'] }, { methodList: ['HEAD', 'POST'] }],
    [{ headerList: [V2] }, { headerList: [V2, WEB] }],
    [{ headerList: [V2] }, { headerList: [{ ...V2, value: 'V2' }] }],
    [{ headerList: [V2] }, { headerList: [] }],
  ])('can be told apart by %j and %j', async (first, second) => {
    const path = `/apart-${proxies}`;
    const under = (route: Route): Route => ({
      ...route,
      relativePathList: (route.relativePathList ?? ['$']).map((text) => text.replace('$', path)),
    });
    await proxy(under(first), to(one.name));
    await proxy(under(second), to(one.name));
  });
});

/** A route that one proxy has in `two`, and another proxy that had it in `one` and has moved on since. */
async function contested() {
  const path = `/contested-${proxies}`;
  const holder = await proxy({ relativePathList: [path] }, to(two.name));
  const name = await proxy({ relativePathList: [path] }, to(one.name));
  return { path, holder, name, x: `${PROXIES}/${name}` };
}

describe('a route that another proxy has is refused, whichever way it comes', () => {
  it.each<[string, (of: Awaited<ReturnType<typeof contested>>) => Promise<Answer>]>([
    ['POST X/environments/{env}/', ({ x }) => plane.call('POST', `${x}/environments/${two.name}/`)],
    [
      'POST X/environments/{env}/ with an older revision',
      async ({ x }) => {
        await plane.done('PATCH', `${x}/settings/client-route/`, { relativePathList: ['/elsewhere'] });
        return plane.call('POST', `${x}/environments/${two.name}/`, { revision: 1 });
      },
    ],
    [
      'POST X/promote/',
      ({ x }) => plane.call('POST', `${x}/promote/`, { from: one.name, to: [two.name], description: 'on' }),
    ],
    [
      'POST X/deploy-histories/{deployment}/rollback/',
      async ({ x, path }) => {
        await plane.done('PATCH', `${x}/settings/client-route/`, { relativePathList: [`${path}/moved`] });
        await plane.done('POST', `${x}/environments/${two.name}/`);
        await plane.done('PATCH', `${x}/settings/client-route/`, { relativePathList: [path] });
        const rows = (await plane.done('GET', `${x}/deploy-histories/?environmentName=${one.name}`)).resultList;
        const { deployment } = rows[0] as { deployment: number };
        // To the environment where it is free it goes, and to the other one it does not.
        await plane.done('POST', `${x}/deploy-histories/${deployment}/rollback/?environmentName=${one.name}`);
        const list = { deploy: true, deployTargetEnvironmentNameList: [one.name, two.name] };
        return plane.call('POST', `${x}/revisions/1/rollback/`, list);
      },
    ],
    [
      'PUT P/apiProxies/url/',
      ({ name, path }) =>
        plane.call('PUT', `${PROXIES}/url/`, {
          ...proxyBody(name, { clientRoute: { relativePathList: [`${path}/`] } }),
          ...to(one.name, two.name),
        }),
    ],
    [
      'PATCH X/settings/keys/',
      ({ x }) => plane.call('PATCH', `${x}/settings/keys/`, { secretKey: 's', ...to(two.name) }),
    ],
    [
      'POST X/endpoints/',
      ({ x }) => plane.call('POST', `${x}/endpoints/`, { name: '/a', httpMethod: 'GET', ...to(two.name) }),
    ],
  ])('%s', async (_way, take) => {
    const of = await contested();
    const answer = await take(of);
    isRefused(answer, of.holder);
    const served = await plane.pool.query<{ proxy_id: string }>(
      'select distinct proxy_id from route_claims where environment_id = $1 and path = $2',
      [two.id, of.path],
    );
    expect(served.rows).toHaveLength(1);
  });
});
