import { randomUUID } from 'node:crypto';
import { Worker } from 'bullmq';
import { DeploymentQueues } from '../src/deployment-requests/deployment-queues.ts';
import { proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';
import { SeverableServer } from './testing/severable-server.ts';
import { testRedisUrl, until } from './testing/test-servers.ts';

let plane: RunningControlPlane;

beforeAll(async () => {
  plane = await RunningControlPlane.start({ deployTimeoutMs: 300 });
  await plane.done('POST', '/projects/', { name: 'shop' });
});
afterAll(() => plane.close());

async function token(name: string, permissions: string[], projects: string[]): Promise<string> {
  const { resultList } = await plane.done('POST', '/tokens/', { name, permissions, projects });
  return String(resultList[0]?.['token']);
}
const basic = (password: string, user = 'anybody') => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});
const page = (url: string, headers: Record<string, string> = basic(plane.adminToken), method: 'GET' | 'PUT' = 'GET') =>
  plane.app.inject({ method, url: `/apiops/queues${url}`, headers });

describe('GET /apiops/environments/{env}/queue/', () => {
  it('shows what waits, how often it was tried and why it waits', async () => {
    const server = await SeverableServer.closed(testRedisUrl());
    try {
      const environment = await plane.environment({ redisUrl: server.url });
      const order = { deploy: true, deployTargetEnvironmentNameList: [environment.name] };
      await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody('waiting', order));
      const view = await until('it was tried', async () => {
        const { resultList } = await plane.done('GET', `/environments/${environment.name}/queue/`);
        const [found] = resultList as unknown as { jobs: { attempts: number; lastReason: string | null }[] }[];
        return found?.jobs.some(({ attempts, lastReason }) => attempts > 0 && lastReason !== null) && found;
      });
      expect(view).toMatchObject({
        counts: { completed: 0 },
        pendingDeployments: 1,
        jobs: [
          {
            ...{ deployment: 1, projectName: 'shop', apiProxyName: 'waiting', revision: 1, kind: 'publish' },
            lastReason: `the Redis of environment ${environment.name} cannot be reached`,
          },
        ],
      });
    } finally {
      await server.sever();
    }
  });

  it('shows a job once while it goes from one state to the next', async () => {
    const queues = plane.app.get(DeploymentQueues);
    const environmentId = randomUUID();
    await queues.add({ environmentId, deployment: 1 });
    const queue = queues.of(environmentId);
    const worker = new Worker(queue.name, () => Promise.reject(new Error('again')), {
      connection: { url: testRedisUrl(), maxRetriesPerRequest: null },
      prefix: String(queue.opts.prefix),
      settings: { backoffStrategy: () => 1 },
    });
    try {
      const seen = new Set<string>();
      for (let look = 0; look < 400; look += 1) {
        const { jobs } = await queues.stateOf(environmentId);
        expect(jobs.length).toBeLessThanOrEqual(1);
        for (const { state } of jobs) seen.add(state);
      }
      expect(seen.size).toBeGreaterThan(1);
    } finally {
      await worker.close(true);
      await queues.remove(environmentId);
    }
  });

  it('is empty once everything is deployed, and 404 for an unknown environment', async () => {
    const environment = await plane.environment();
    const order = { deploy: true, deployTargetEnvironmentNameList: [environment.name] };
    await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody('deployed', order));
    const counts = { waiting: 0, active: 0, delayed: 0, completed: 0, failed: 0 };
    await until('the queue is empty', async () => {
      const { resultList } = await plane.done('GET', `/environments/${environment.name}/queue/`);
      const [view] = resultList as unknown as { jobs: unknown[] }[];
      return (
        view?.jobs.length === 0 && JSON.stringify(view) === JSON.stringify({ counts, pendingDeployments: 0, jobs: [] })
      );
    });
    expect((await plane.call('GET', '/environments/none/queue/')).status).toBe(404);
  });

  it('is 503 while the Redis of the queue is away', async () => {
    const server = await SeverableServer.closed(testRedisUrl());
    const lonely = await RunningControlPlane.start({ redisUrl: server.url, roles: new Set(['api'] as const) });
    try {
      const { name } = await lonely.environment();
      const answer = await lonely.call('GET', `/environments/${name}/queue/`);
      expect([answer.status, answer.body.error]).toEqual([503, 'unavailable']);
    } finally {
      await lonely.close();
      await server.sever();
    }
  });

  it('needs VIEW in all projects', async () => {
    const { name } = await plane.environment();
    const answers = [];
    for (const projects of [['shop'], ['*']]) {
      const headers = {
        authorization: `Bearer ${await token(`viewer of ${projects[0]?.replace('*', 'all')}`, ['VIEW'], projects)}`,
      };
      answers.push((await plane.call('GET', `/environments/${name}/queue/`, undefined, headers)).status);
    }
    expect(answers).toEqual([403, 200]);
  });
});

describe('/apiops/queues', () => {
  it('asks a browser for a name and a token', async () => {
    for (const headers of [{}, basic('gwt_wrong'), { authorization: 'Basic !' }, { authorization: 'Basic Og==' }]) {
      const answer = await page('/', headers);
      expect(answer.statusCode).toBe(401);
      expect(answer.headers['www-authenticate']).toMatch(/^Basic realm=/);
    }
  });

  it('takes Basic there alone', async () => {
    const answer = await plane.app.inject({
      method: 'GET',
      url: '/apiops/projects/',
      headers: basic(plane.adminToken),
    });
    expect([answer.statusCode, answer.headers['www-authenticate']]).toEqual([401, 'Bearer']);
  });

  it('is for ADMIN in all projects', async () => {
    const some = await token('admin of one', ['ADMIN'], ['shop']);
    const viewer = await token('views all', ['VIEW'], ['*']);
    const all = await token('admin of all', ['ADMIN'], ['*']);
    for (const url of ['/', '/api/queues', '/queue/any', '/static/favicon-32x32.png']) {
      for (const one of [some, viewer]) expect([url, (await page(url, basic(one))).statusCode]).toEqual([url, 403]);
      expect([url, (await page(url, basic(all))).statusCode]).toEqual([url, 200]);
      expect((await page(url, { authorization: `Bearer ${all}` })).statusCode).toBe(200);
    }
  });

  it('is a page whose scripts and styles are there, and that takes none from elsewhere', async () => {
    const { statusCode, headers, body } = await page('/');
    expect([statusCode, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'; script-src 'self';");
    expect(policy).not.toMatch(/script-src[^;]*unsafe/);
    expect(body).toContain('<base href="/apiops/queues/" />');
    // What stands in the page itself is data, not code.
    for (const [, attributes = ''] of body.matchAll(/<script([^>]*)>/g)) {
      expect(attributes).toMatch(/src="static\/|type="application\/json"/);
    }
    const local = [...body.matchAll(/(?:src|href)="(static\/[^"]+)"/g)].map(([, path = '']) => path);
    expect(local.length).toBeGreaterThan(2);
    for (const path of local) expect([path, (await page(`/${path}`)).statusCode]).toEqual([path, 200]);
  });

  it('shows the queues of all environments, later ones too, read-only and by name', async () => {
    const environment = await plane.environment();
    const { statusCode, body } = await page('/api/queues');
    expect(statusCode).toBe(200);
    const { queues } = JSON.parse(body) as { queues: { name: string; readOnlyMode: boolean }[] };
    expect(queues).toContainEqual(expect.objectContaining({ name: environment.name, readOnlyMode: true }));
    // Its pages are found under that name too.
    expect((await page(`/api/queues/${environment.name}/1`)).body).toContain('JOB_NOT_FOUND');
    expect((await page(`/api/queues/deploy-${environment.id}/1`)).body).toContain('QUEUE_NOT_FOUND');
    await plane.done('DELETE', `/environments/${environment.name}/`);
    expect((await page('/api/queues')).body).not.toContain(environment.name);
  });

  it('changes nothing', async () => {
    const { id } = await plane.environment();
    for (const url of ['/api/queues/pause', `/api/queues/deploy-${id}/pause`, `/api/queues/deploy-${id}/obliterate`]) {
      expect([url, (await page(url, basic(plane.adminToken), 'PUT')).statusCode]).toEqual([url, 405]);
    }
  });
});
