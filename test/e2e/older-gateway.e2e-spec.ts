import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ChildProgram } from '../support/child-program.ts';
import { freePortsInARow } from '#libs/program-shell/testing';
import { GatewardenSystem } from '../support/gatewarden-system.ts';
import { OLDER_VERSION, unpackOlderGateway } from '../support/older-gateway.ts';
import { authJwtPolicy, policyBody, proxyBody } from '../support/policies.ts';
import { call, requestToken } from '../support/token-client.ts';
import { until } from '../support/until.ts';

const PROXIES = '/projects/demo/apiProxies';
const ENVIRONMENTS = ['production'];
const NEW = 'production-1';
const OLD = 'older';
/** A member that the older version does not know. */
const NEWER_MEMBER = 'cacheVerifiedTokens';

interface Answer {
  readonly gatewayId: string;
  readonly success: boolean;
  readonly detail: string;
}

describe('a gateway of an earlier version beside one of today', () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-e2e-'));
  let system: GatewardenSystem;
  let older: ChildProgram;
  let olderUrl: string;
  let olderAdminUrl: string;
  let settings: Record<string, string>;
  let login: Readonly<Record<string, string>>;

  const done = async (method: string, path: string, body?: unknown): Promise<any> => {
    const answer = await system.api(method, `/apiops${path}`, body);
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const urls = (): readonly string[] => [olderUrl, system.gateway('production').url];
  const statuses = (path: string, token?: string): Promise<readonly number[]> =>
    Promise.all(urls().map(async (url) => (await call(url + path, token)).status));
  const putPolicy = (changes: Readonly<Record<string, unknown>>): Promise<any> =>
    done('PUT', `${PROXIES}/orders/policies/jwt/`, policyBody(authJwtPolicy(changes), ENVIRONMENTS));
  const secondsAt = async (url: string): Promise<unknown> => (await requestToken(url, login)).body.expires_in;
  const resultOf = ({ deploymentResult }: any) => deploymentResult.deploymentResults[0];

  beforeAll(async () => {
    system = await GatewardenSystem.start(ENVIRONMENTS, { gatewaysEach: 1, deployers: 0 });
    const [port = 0, adminPort = 0] = await freePortsInARow(2);
    olderUrl = `http://127.0.0.1:${port}`;
    olderAdminUrl = `http://127.0.0.1:${adminPort}`;
    const { gatewayKey, redis } = system.environment('production');
    settings = {
      ...{ GATEWAY_ENVIRONMENT: 'production', GATEWAY_KEY: gatewayKey, REDIS_URL: redis.url },
      ...{ HOST: '127.0.0.1', PORT: String(port), ADMIN_HOST: '127.0.0.1', ADMIN_PORT: String(adminPort) },
      ...{ GATEWAY_ID: OLD, SNAPSHOT_DIR: path.join(directory, 'snapshot') },
    };
    older = new ChildProgram(unpackOlderGateway(path.join(directory, 'program')), settings);
    older.start();
    await system.ready(olderAdminUrl);
    await done('POST', '/projects/', { name: 'demo' });
    await done('POST', `${PROXIES}/url/`, proxyBody('open', '/open', system.upstreamUrl, ENVIRONMENTS));
    const made = await done('POST', `${PROXIES}/url/`, proxyBody('orders', '/orders', system.upstreamUrl));
    const { publicKey, secretKey } = made.resultList[0];
    const user = { username: 'ada', password: 'the password of ada' };
    login = { grant_type: 'password', client_id: publicKey, client_secret: secretKey, ...user };
    const name = { fullName: 'Ada', email: 'ada@example.org' };
    await done('POST', '/projects/demo/credentials/', { ...user, ...name });
  }, 120_000);
  afterAll(async () => {
    await older.signal('SIGTERM');
    await system.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('is counted, and said to be of its version', async () => {
    const { resultList } = await done('GET', '/environments/production/gateways/');
    const versions = new Map(resultList.map((row: any) => [row.gatewayId, row.programVersion]));
    expect(versions.get(OLD)).toBe(OLDER_VERSION);
    expect([...versions.keys()].sort()).toEqual([OLD, NEW]);
  });

  it('answers deployments of what it knows, and enforces the same', async () => {
    const added = await done('POST', `${PROXIES}/orders/policies/jwt/`, policyBody(authJwtPolicy(), ENVIRONMENTS));
    expect(resultOf(added)).toMatchObject({ success: true, gateways: { live: 2, applied: 2 } });
    expect(await statuses('/orders/1')).toEqual([401, 401]);
    expect(await statuses('/open/1')).toEqual([200, 200]);
    expect(resultOf(await putPolicy({ tokenExpiresInAmount: 1_001 }))).toMatchObject({ gateways: { applied: 2 } });
    expect(await Promise.all(urls().map(secondsAt))).toEqual([1_001, 1_001]);
  });

  it('takes tokens of today, and its own are taken; a login begun at either is refreshed at the other', async () => {
    for (const [here = '', there = ''] of [urls(), [...urls()].reverse()]) {
      const { body } = await requestToken(here, login);
      expect(await statuses('/orders/1', body.access_token)).toEqual([200, 200]);
      const { client_id: id = '', client_secret: secret = '' } = login;
      const client = { client_id: id, client_secret: secret };
      const form = { grant_type: 'refresh_token', refresh_token: String(body.refresh_token), ...client };
      const refreshed = await requestToken(there, form);
      expect([refreshed.status, refreshed.body.error]).toEqual([200, undefined]);
      const again = { ...form, refresh_token: String(refreshed.body.refresh_token) };
      expect((await requestToken(here, again)).status).toBe(200);
    }
  });

  it('rejects by name what it does not know, and goes on with what it had', async () => {
    const result = resultOf(await putPolicy({ tokenExpiresInAmount: 1_002, [NEWER_MEMBER]: false }));
    expect(result).toMatchObject({ success: false, gateways: { live: 2, applied: 1, rejected: 1, pending: 0 } });
    const said = (result.detailList as Answer[]).find(({ gatewayId }) => gatewayId === OLD);
    expect(said).toMatchObject({ success: false, detail: expect.stringContaining(NEWER_MEMBER) });
    expect(await Promise.all(urls().map(secondsAt))).toEqual([1_001, 1_002]);
    const others = await done('POST', `${PROXIES}/url/`, proxyBody('more', '/more', system.upstreamUrl, ENVIRONMENTS));
    expect(resultOf(others)).toMatchObject({ success: true, gateways: { applied: 2 } });
    expect(await statuses('/more/1')).toEqual([200, 200]);
  });

  it('takes what was the last good when it is started again without its copy', async () => {
    await older.signal('SIGKILL');
    rmSync(path.join(directory, 'snapshot'), { recursive: true });
    older.start();
    await system.ready(olderAdminUrl);
    expect(await Promise.all(urls().map(secondsAt))).toEqual([1_001, 1_002]);
    expect(resultOf(await putPolicy({ tokenExpiresInAmount: 1_003 }))).toMatchObject({ gateways: { applied: 2 } });
    expect(await Promise.all(urls().map(secondsAt))).toEqual([1_003, 1_003]);
  });

  it("leaves a copy on disk that today's serves from without Redis, and goes on from with it", async () => {
    await older.signal('SIGTERM');
    const [nobody = 0] = await freePortsInARow(1);
    older = new ChildProgram('apps/gateway/src/main.js', { ...settings, REDIS_URL: `redis://127.0.0.1:${nobody}` });
    older.start();
    await system.ready(olderAdminUrl);
    expect(await statuses('/open/1')).toEqual([200, 200]);
    const { body } = await requestToken(system.gateway('production').url, login);
    expect(await statuses('/orders/1', body.access_token)).toEqual([200, 200]);
    expect(await statuses('/orders/1')).toEqual([401, 401]);
    await older.signal('SIGTERM');
    older = new ChildProgram('apps/gateway/src/main.js', settings);
    older.start();
    await system.ready(olderAdminUrl);
    const isThere = async () =>
      (await system.api('GET', '/apiops/environments/production/gateways/')).body.resultCount === 2;
    await until('both are there', isThere);
    const result = resultOf(await putPolicy({ tokenExpiresInAmount: 1_004, [NEWER_MEMBER]: false }));
    expect(result).toMatchObject({ success: true, gateways: { live: 2, applied: 2 } });
    expect(await Promise.all(urls().map(secondsAt))).toEqual([1_004, 1_004]);
  });

  it("takes back the place of today's when an upgrade is undone", async () => {
    expect(resultOf(await putPolicy({ tokenExpiresInAmount: 1_005 }))).toMatchObject({ gateways: { applied: 2 } });
    await older.signal('SIGTERM');
    older = new ChildProgram(unpackOlderGateway(path.join(directory, 'program')), settings);
    older.start();
    await system.ready(olderAdminUrl);
    await until('it serves the newest', async () => (await secondsAt(olderUrl)) === 1_005);
    expect(resultOf(await putPolicy({ tokenExpiresInAmount: 1_006 }))).toMatchObject({ gateways: { applied: 2 } });
  });
});
