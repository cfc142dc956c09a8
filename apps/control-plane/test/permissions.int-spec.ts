import { proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane, type Answer } from './testing/running-control-plane.ts';

type Method = Parameters<RunningControlPlane['call']>[0];

let plane: RunningControlPlane;
let environmentName: string;
const tokens = new Map<string, string>();

const as = (name: string) => ({ authorization: `Bearer ${tokens.get(name)}` });
const ask = (name: string, method: Method, path: string, body?: unknown): Promise<Answer> =>
  plane.call(method, path, body, as(name));

async function made(name: string, permissions: string[], projects: string[]): Promise<void> {
  const { resultList } = await plane.done('POST', '/tokens/', { name, permissions, projects });
  tokens.set(name, String(resultList[0]?.['token']));
}

beforeAll(async () => {
  plane = await RunningControlPlane.start({ deployTimeoutMs: 500 });
  for (const name of ['shop', 'bank']) await plane.done('POST', '/projects/', { name });
  environmentName = (await plane.environment()).name;
  for (const permission of ['VIEW', 'MANAGE', 'DEPLOY', 'ADMIN']) {
    await made(`${permission} shop`, [permission], ['shop']);
    await made(`${permission} all`, [permission], ['*']);
  }
  await made('MANAGE DEPLOY shop', ['MANAGE', 'DEPLOY'], ['shop']);
});
afterAll(() => plane.close());

const denied = (answer: Answer) => {
  expect(answer.status).toBe(403);
  expect(answer.body).toMatchObject({
    ...{ success: false, status: 'FAILURE', error: 'access_denied' },
    resultMessage: expect.stringContaining('User does not have required permission for this operation!') as string,
  });
};

describe('permissions', () => {
  it.each(['VIEW', 'MANAGE', 'DEPLOY', 'ADMIN'])(
    'GET P/apiProxies/ is open to %s in the project',
    async (permission) => {
      expect((await ask(`${permission} shop`, 'GET', '/projects/shop/apiProxies/')).status).toBe(200);
      expect((await ask(`${permission} all`, 'GET', '/projects/bank/apiProxies/')).status).toBe(200);
      denied(await ask(`${permission} shop`, 'GET', '/projects/bank/apiProxies/'));
    },
  );

  it.each([
    ['VIEW shop', 403],
    ['DEPLOY shop', 403],
    ['VIEW all', 403],
    ['MANAGE shop', 200],
    ['ADMIN shop', 200],
    ['MANAGE all', 200],
  ])('POST P/apiProxies/url/ by %s is a %d', async (name, status) => {
    const before = (await plane.events()).length;
    const answer = await ask(name, 'POST', '/projects/shop/apiProxies/url/', proxyBody(name.replace(' ', '-')));
    expect(answer.status).toBe(status);
    if (status === 403) {
      denied(answer);
      expect((await plane.events()).length).toBe(before);
    }
  });

  it('POST P/apiProxies/url/ with deploy asks for DEPLOY beside MANAGE, or stores nothing', async () => {
    const deploying = (name: string) =>
      proxyBody(name, { deploy: true, deployTargetEnvironmentNameList: [environmentName] });
    const path = '/projects/shop/apiProxies/url/';
    const before = (await plane.events()).length;
    for (const name of ['MANAGE shop', 'MANAGE all', 'DEPLOY all']) {
      expect((await ask(name, 'POST', path, deploying('rushed'))).body.error).toBe('access_denied');
    }
    expect((await plane.events()).length).toBe(before);
    expect((await ask('MANAGE DEPLOY shop', 'POST', path, deploying('both'))).status).toBe(200);
    expect((await ask('ADMIN shop', 'POST', path, deploying('admins'))).status).toBe(200);
  });

  it('POST X/environments/{env}/ asks for DEPLOY', async () => {
    await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody('to-deploy'));
    const path = `/projects/shop/apiProxies/to-deploy/environments/${environmentName}/`;
    expect((await ask('MANAGE shop', 'POST', path)).body.error).toBe('access_denied');
    expect((await ask('DEPLOY shop', 'POST', path)).status).toBe(200);
  });

  it('a project that does not exist is a 404 to a token for all projects, and a 403 like any other to the rest', async () => {
    const missing = '/projects/none/apiProxies/';
    expect((await ask('VIEW all', 'GET', missing)).status).toBe(404);
    const [none, closed] = [
      await ask('ADMIN shop', 'GET', missing),
      await ask('ADMIN shop', 'GET', '/projects/bank/apiProxies/'),
    ];
    denied(none);
    expect(none.text).toBe(closed.text);
  });
});

describe('GET /apiops/projects/', () => {
  it('shows every token the projects it opens, and no others', async () => {
    const names = async (name: string) =>
      (await ask(name, 'GET', '/projects/')).body.resultList.map((one) => one['name']);
    expect(await names('VIEW shop')).toEqual(['shop']);
    expect(await names('VIEW all')).toEqual(['bank', 'shop']);
  });
});

describe('GET /apiops/environments/ and GET /apiops/environments/{env}/', () => {
  it('are open to any token: who deploys must know where to', async () => {
    expect((await ask('VIEW shop', 'GET', '/environments/')).status).toBe(200);
    expect((await ask('VIEW shop', 'GET', `/environments/${environmentName}/`)).status).toBe(200);
    denied(await ask('ADMIN shop', 'GET', `/environments/${environmentName}/keys/`));
  });
});

describe('calls that concern all projects', () => {
  it.each<[Method, string, unknown]>([
    ['POST', '/tokens/', { name: 'minted', permissions: ['ADMIN'], projects: ['*'] }],
    ['GET', '/tokens/', undefined],
    ['DELETE', '/tokens/VIEW shop/', undefined],
    ['POST', '/projects/', { name: 'mine' }],
    ['POST', '/environments/', { name: 'mine' }],
  ])('%s %s is closed to an administrator of one project, and to whoever is none', async (method, path, body) => {
    const before = (await plane.events()).length;
    for (const name of ['ADMIN shop', 'VIEW all', 'MANAGE all', 'DEPLOY all']) {
      denied(await ask(name, method, encodeURI(path), body));
    }
    expect((await plane.events()).length).toBe(before);
  });

  it('POST and DELETE /apiops/tokens/ are open to an administrator of all projects', async () => {
    const body = { name: 'minted', permissions: ['VIEW'], projects: ['shop'] };
    expect((await ask('ADMIN all', 'POST', '/tokens/', body)).status).toBe(200);
    expect((await ask('ADMIN all', 'DELETE', '/tokens/minted/')).status).toBe(200);
  });

  it('DELETE P/ is open to the administrator of that project alone', async () => {
    await plane.done('POST', '/projects/', { name: 'brief' });
    await made('ADMIN brief', ['ADMIN'], ['brief']);
    await made('MANAGE brief', ['MANAGE', 'DEPLOY'], ['brief']);
    denied(await ask('ADMIN shop', 'DELETE', '/projects/brief/'));
    denied(await ask('MANAGE brief', 'DELETE', '/projects/brief/'));
    expect((await ask('ADMIN brief', 'DELETE', '/projects/brief/')).status).toBe(200);
  });
});

/** Open to any token; what they show is the call's own affair. */
const FOR_ANY_TOKEN = [
  ...['GET /apiops/projects', 'GET /apiops/environments', 'GET /apiops/environments/:environmentName'],
  // Its own spec shows that these find nothing of other projects.
  ...['GET /apiops/deployments/:id', 'GET /apiops/deployments/:id/stream'],
];
/** Reads by POST, since what they read is named in the body. */
const READS = ['POST /apiops/projects/:projectName/apiProxies/:apiProxyName/endpoints/details'];
const PUBLIC = /^\/(healthz|readyz|metrics)$|^\/apiops\/(openapi|docs|auth\/token)$|^\/apiops\/docs\//;

describe('every call that is served', () => {
  const served = () => {
    const routes = plane.routes().map(({ method, path }) => ({ method, path: path.replace(/(?<=.)\/$/, '') }));
    const closed = routes.filter(({ path }) => !PUBLIC.test(path));
    expect(closed.length).toBeGreaterThan(20);
    return closed.map((route) => ({
      name: `${route.method} ${route.path}`,
      method: route.method as Method,
      url: route.path.replace(':projectName', 'bank').replace(/:\w+|\*/g, 'any'),
    }));
  };

  it('asks for a token', async () => {
    const open: string[] = [];
    for (const { name, method, url } of served()) {
      const { statusCode } = await plane.app.inject({ method, url });
      if (statusCode !== 401) open.push(`${name} ${statusCode}`);
    }
    expect(open).toEqual([]);
  });

  it('is closed to the administrator of another project', async () => {
    const open: string[] = [];
    for (const { name, method, url } of served()) {
      const { statusCode } = await plane.app.inject({ method, url, headers: as('ADMIN shop') });
      if (statusCode !== 403) open.push(name);
    }
    expect(open.filter((name) => !FOR_ANY_TOKEN.includes(name))).toEqual([]);
  });

  it('that changes something is closed to whoever may only look', async () => {
    const open: string[] = [];
    for (const { name, method, url } of served()) {
      if (method === 'GET' || READS.includes(name)) continue;
      const { statusCode } = await plane.app.inject({ method, url, headers: as('VIEW all') });
      if (statusCode !== 403) open.push(`${name} ${statusCode}`);
    }
    expect(open).toEqual([]);
  });
});
