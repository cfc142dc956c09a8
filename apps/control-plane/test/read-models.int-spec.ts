import pg from 'pg';
import { PROJECTION_RUNNER } from '../src/persistence/read-models.ts';
import { ArtifactCompiler } from '../src/deployments/artifact/artifact-compiler.ts';
import { EnvironmentChannels } from '../src/deployments/channel/environment-channels.ts';
import type { ProjectionRunner } from '#libs/event-store';
import { canonicalJson } from '#libs/canonical-json';
import { FakeGateway } from './testing/fake-gateway.ts';
import { credentialBody, policyBody, proxyBody, verificationBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';
import { SeverableServer } from './testing/severable-server.ts';
import { until } from './testing/test-servers.ts';

const READ_MODELS = ['projects', 'environments', 'api-proxies', 'credentials'];

let plane: RunningControlPlane;
let environment: Awaited<ReturnType<RunningControlPlane['environment']>>;

beforeAll(async () => {
  plane = await RunningControlPlane.start();
  environment = await plane.environment();
  await plane.environment({ expiresInUnit: 'MILLISECONDS', description: 'second' });
  for (const name of ['shop', 'empty', 'gone']) await plane.done('POST', '/projects/', { name });
  await plane.done('DELETE', '/projects/gone/');
  const credentials = '/projects/shop/credentials';
  for (const name of ['alice', 'bob']) await plane.done('POST', `${credentials}/`, credentialBody(name, 'a password'));
  await plane.done(
    'PUT',
    `${credentials}/`,
    credentialBody('alice', 'b', { expireDate: '2030-01-01T00:00:00Z', roleNameList: ['a'] }),
  );
  await plane.done('DELETE', `${credentials}/bob/`);
  for (const name of ['orders', 'users', 'deleted']) {
    await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody(name));
  }
  await plane.done('DELETE', '/projects/shop/apiProxies/deleted/');
  await plane.done('PUT', '/projects/shop/apiProxies/url/', proxyBody('users', { apiProxyDescription: 'changed' }));
  const at = '/projects/shop/apiProxies/orders';
  await plane.done('POST', '/projects/shop/environmentVariables/private.key/', {
    global: true,
    globalValue: 'x'.repeat(32),
  });
  await plane.done('POST', `${at}/endpoints/`, { name: '/users/{id}', httpMethod: 'GET' });
  await plane.done(
    'POST',
    `${at}/policies/issue/`,
    policyBody({ deploy: true, deployTargetEnvironmentNameList: [environment.name] }),
  );
  await plane.done('POST', `${at}/policies/check/`, verificationBody({ deploy: true }, 'private.key'));
  await plane.done('PUT', `${at}/policies/check/`, verificationBody({ order: 1, deploy: true }, 'private.key'));
  await plane.done('DELETE', `${at}/policies/issue/`, {
    operationMetadata: { targetScope: 'ALL', targetPipeline: 'REQUEST' },
  });
  await plane.done('PATCH', `${at}/settings/keys/`, { secretKey: 'another' });
});
afterAll(() => plane.close());

async function readModels(): Promise<Record<string, unknown[]>> {
  await plane.readModelsShown();
  const tables = ['read_projects', 'read_environments', 'read_api_proxies', 'read_credentials'];
  const read = async (table: string) => (await plane.pool.query<object>(`select * from ${table} order by 1`)).rows;
  return Object.fromEntries(await Promise.all(tables.map(async (table) => [table, await read(table)] as const)));
}

describe('read models', () => {
  it('rebuilt from the events are equal to the live ones', async () => {
    const live = await readModels();
    expect(Object.values(live).map((rows) => rows.length)).toEqual([2, 2, 2, 1]);
    const runner = plane.app.get<ProjectionRunner>(PROJECTION_RUNNER);
    for (const name of READ_MODELS) await runner.rebuild(name);
    expect(await readModels()).toEqual(live);
  });

  it('count the revisions that the proxies have', async () => {
    const listed = (await plane.done('GET', '/projects/shop/apiProxies/')).resultList;
    expect(listed).toMatchObject([
      { apiProxyName: 'orders', apiProxyDescription: '', revision: 6 },
      { apiProxyName: 'users', apiProxyDescription: 'changed', revision: 2 },
    ]);
    for (const { apiProxyName, revision } of listed) {
      const one = await plane.done('GET', `/projects/shop/apiProxies/${String(apiProxyName)}/`);
      expect(one.resultList).toMatchObject([{ revision }]);
    }
  });

  it('show what was changed as soon as the change is answered, in whichever process', async () => {
    const [writer, reader] = [plane.app, await plane.process()];
    const ask = async (
      app: typeof writer,
      method: 'GET' | 'POST' | 'PUT' | 'DELETE',
      path: string,
      payload?: object,
    ) => {
      const headers = { authorization: `Bearer ${plane.adminToken}` };
      const answer = await app.inject({ method, url: `/apiops${path}`, headers, ...(payload && { payload }) });
      expect([path, answer.statusCode]).toEqual([path, 200]);
      return answer.body;
    };
    const P = '/projects/at%20once';
    for (let round = 0; round < 5; round += 1) {
      await ask(writer, 'POST', '/projects/', { name: 'at once' });
      expect(await ask(reader, 'GET', '/projects/')).toContain('"at once"');
      await ask(writer, 'POST', `${P}/apiProxies/url/`, proxyBody('shown'));
      expect(await ask(reader, 'GET', `${P}/apiProxies/`)).toContain('"shown"');
      await ask(writer, 'POST', `${P}/credentials/`, credentialBody('carol', 'a password'));
      expect(await ask(reader, 'GET', `${P}/credentials/`)).toContain('"carol"');
      expect(await ask(reader, 'GET', `${P}/credentials/carol/`)).toContain('"carol"');
      const described = { description: `round ${round}` };
      await ask(writer, 'PUT', `/environments/${environment.name}/`, described);
      for (const path of ['/environments/', `/environments/${environment.name}/`, `${P}/environments/`]) {
        expect(await ask(reader, 'GET', path)).toContain(described.description);
      }
      await ask(writer, 'DELETE', `${P}/credentials/carol/`);
      expect(await ask(reader, 'GET', `${P}/credentials/`)).not.toContain('"carol"');
      await ask(writer, 'DELETE', `${P}/apiProxies/shown/`);
      expect(await ask(reader, 'GET', `${P}/apiProxies/`)).not.toContain('"shown"');
      await ask(writer, 'DELETE', `${P}/`);
      expect(await ask(reader, 'GET', '/projects/')).not.toContain('"at once"');
    }
    await reader.close();
  });

  it('are shown whole to everybody while they are rebuilt, and show changes made meanwhile', async () => {
    const other = await plane.process();
    const rebuilder = other.get<ProjectionRunner>(PROJECTION_RUNNER);
    let isDone = false;
    const rebuilding = (async () => {
      for (let round = 0; round < 6; round += 1) for (const name of READ_MODELS) await rebuilder.rebuild(name);
      isDone = true;
    })();
    const list = async (path: string, member: string) =>
      (await plane.done('GET', path)).resultList.map((one) => String(one[member]));
    let made = 0;
    for (; !isDone || made < 10; made += 1) {
      const project = `during ${made}`;
      await plane.done('POST', '/projects/', { name: project });
      const names = await list('/projects/', 'name');
      expect(names).toEqual(expect.arrayContaining(['shop', 'empty', project]));
      expect(names).toHaveLength(3);
      expect(await list('/projects/shop/apiProxies/', 'apiProxyName')).toEqual(['orders', 'users']);
      expect(await list('/projects/shop/credentials/', 'username')).toEqual(['alice']);
      expect(await list('/environments/', 'name')).toContain(environment.name);
      await plane.done('DELETE', `/projects/${encodeURIComponent(project)}/`);
    }
    await rebuilding;
    expect(await list('/projects/', 'name')).toEqual(['empty', 'shop']);
    await other.close();
  });
});

describe('a revision', () => {
  it('compiles to the same content again, and to what is published', async () => {
    const compiler = plane.app.get(ArtifactCompiler);
    const { environment: state } = await plane.app.get(EnvironmentChannels).opened(environment.id);
    const ids = await plane.pool.query<{ entity_id: string }>(
      `select entity_id from names where kind = 'api-proxy' and name = 'orders'`,
    );
    const proxyId = ids.rows[0]?.entity_id ?? '';
    const compiled = async (revision: number) => {
      const proxy = await compiler.proxyAt(proxyId, revision);
      return proxy === undefined ? undefined : canonicalJson(await compiler.compile(proxy, state));
    };
    for (let revision = 1; revision <= 6; revision += 1) {
      const text = await compiled(revision);
      expect(text).toContain(`"revision":${revision}`);
      expect(await compiled(revision)).toBe(text);
    }
    expect(await compiled(7)).toBeUndefined();
    const gateway = await FakeGateway.admitted(plane.redis, environment);
    expect((await gateway.artifactOf(proxyId))?.text).toBe(await compiled(5));
  });
});

describe('while the database cannot be reached', () => {
  it('a change is answered with 503 and is not recorded, and the next one works', async () => {
    const door = await SeverableServer.closed(plane.database.url);
    await door.open();
    const database = new pg.Pool({ connectionString: door.url, connectionTimeoutMillis: 1_000 });
    database.on('error', () => undefined);
    const app = await plane.process({}, database);
    const ask = (method: 'GET' | 'POST', url: string) =>
      app.inject({
        ...{ method, url, headers: { authorization: `Bearer ${plane.adminToken}` } },
        ...(method === 'POST' ? { payload: { name: 'recorded' } } : {}),
      });
    const count = (await plane.events()).length;
    await door.sever();
    for (const asked of [ask('POST', '/apiops/projects/'), ask('GET', '/apiops/projects/')]) {
      const { statusCode, body } = await asked;
      expect([statusCode, (JSON.parse(body) as { error: string }).error]).toEqual([503, 'unavailable']);
    }
    expect((await ask('GET', '/readyz')).statusCode).toBe(503);
    expect((await ask('GET', '/metrics')).body).toContain('gatewarden_database_up 0\n');
    expect((await ask('GET', '/healthz')).statusCode).toBe(200);
    expect((await plane.events()).length).toBe(count);
    await door.open();
    expect((await ask('POST', '/apiops/projects/')).statusCode).toBe(200);
    expect((await ask('GET', '/readyz')).statusCode).toBe(200);
    const isUp = async () => (await ask('GET', '/metrics')).body.includes('gatewarden_database_up 1\n');
    await until('the metrics say that it is back', isUp);
    await app.close();
    await database.end();
    await door.sever();
  });
});
