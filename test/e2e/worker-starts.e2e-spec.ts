import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ChildProgram } from '../support/child-program.ts';
import { freePortsInARow } from '#libs/program-shell/testing';
import { GatewardenSystem } from '../support/gatewarden-system.ts';
import { proxyBody } from '../support/policies.ts';
import { json } from '../support/token-client.ts';
import { until } from '../support/until.ts';
import { metricSum, workersOf } from '../support/worker-views.ts';

const PROXIES = '/apiops/projects/demo/apiProxies';

describe('a gateway that is started with workers', () => {
  let system: GatewardenSystem;
  const directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-workers-'));
  const snapshotDir = path.join(directory, 'snapshot');
  let [port, adminPort] = [0, 0];
  const started: ChildProgram[] = [];
  const adminUrl = () => `http://127.0.0.1:${adminPort}`;
  const status = async (address: string) => (await fetch(address, { headers: { connection: 'close' } })).status;
  const orders = (trafficPort = port) => status(`http://127.0.0.1:${trafficPort}/orders/1`);
  const deployment = async () => (await json(await fetch(`${adminUrl()}/config`))).deployment as number;

  function start(settings: Readonly<Record<string, string>>): ChildProgram {
    const { redis, gatewayKey } = system.environment('production');
    const program = new ChildProgram('apps/gateway/src/main.js', {
      ...{ GATEWAY_ENVIRONMENT: 'production', GATEWAY_KEY: gatewayKey, REDIS_URL: redis.url, GATEWAY_ID: 'edge' },
      ...{ HOST: '127.0.0.1', PORT: String(port), ADMIN_PORT: String(adminPort), SNAPSHOT_DIR: snapshotDir },
      ...settings,
    });
    program.start();
    started.push(program);
    return program;
  }
  async function ready(settings: Readonly<Record<string, string>>): Promise<ChildProgram> {
    const program = start(settings);
    await system.ready(adminUrl());
    return program;
  }
  const deployed = async (method: string, address: string) => {
    const body = proxyBody('orders', '/orders', address, ['production']);
    expect((await system.api(method, `${PROXIES}/url/`, body)).body.deploymentResult).toMatchObject({ success: true });
  };

  beforeAll(async () => {
    [port = 0, adminPort = 0] = await freePortsInARow(2);
    system = await GatewardenSystem.start(['production'], { gatewaysEach: 0, deployers: 0 });
    await system.api('POST', '/apiops/projects/', { name: 'demo' });
  }, 120_000);
  afterEach(async () => {
    for (const program of started.splice(0)) await program.signal('SIGTERM');
  });
  afterAll(async () => {
    await system.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('goes on from its snapshot with any number of workers while Redis is away, and from theirs alone again', async () => {
    const alone = await ready({ WORKERS: '1' });
    await deployed('POST', system.upstreamUrl);
    const first = await deployment();
    expect(await alone.signal('SIGTERM')).toBe(0);
    await system.environment('production').redis.stop();
    for (const workers of [2, 3]) {
      const several = await ready({ WORKERS: String(workers) });
      const each = { ready: true, deployment: first };
      expect(await workersOf(adminUrl())).toMatchObject(Array.from({ length: workers }, () => each));
      for (let asked = 0; asked < 2 * workers; asked += 1) expect(await orders()).toBe(200);
      expect(await several.signal('SIGTERM')).toBe(0);
    }
    await system.redisAgain('production');
    const two = await ready({ WORKERS: '2' });
    await until('a change is deployed', async () => {
      await deployed('PUT', `${system.upstreamUrl}/newer`);
      return (await deployment()) > first;
    });
    const newest = await deployment();
    expect(await two.signal('SIGTERM')).toBe(0);
    await system.environment('production').redis.stop();
    for (const workers of ['1', '3', '1']) {
      const program = await ready({ WORKERS: workers });
      expect(await deployment()).toBe(newest);
      expect(await orders()).toBe(200);
      expect(await program.signal('SIGTERM')).toBe(0);
    }
    await system.redisAgain('production');
  }, 180_000);

  it('listens on one port that the system chose, also after all workers were killed', async () => {
    const program = await ready({ WORKERS: '2', PORT: '0' });
    const chosen = Number(/"port":(\d+),"msg":"workers serve"/.exec(program.output)?.[1]);
    expect(await orders(chosen)).toBe(200);
    const killed = (await workersOf(adminUrl())).map(({ pid }) => pid ?? 0);
    for (const pid of killed) process.kill(pid, 'SIGKILL');
    await until('others are there', async () => {
      const now = await workersOf(adminUrl());
      return now.every(({ ready: isReady, pid }) => isReady && !killed.includes(pid ?? 0));
    });
    expect(await orders(chosen)).toBe(200);
  });

  it('serves with the workers that can start, and tries the others again and again', async () => {
    const own = path.join(directory, 'one-blocked');
    mkdirSync(own);
    writeFileSync(path.join(own, '1'), 'no directory');
    const program = start({ WORKERS: '2', SNAPSHOT_DIR: own });
    await until(
      'it is tried again',
      async () => (await metricSum(adminUrl(), 'gatewarden_worker_restarts_total')) >= 3,
    );
    expect(await orders()).toBe(200);
    expect(await status(`${adminUrl()}/readyz`)).toBe(503);
    expect(await workersOf(adminUrl())).toMatchObject([{ ready: false, deployment: null }, { ready: true }]);
    expect(program.output).toMatch(
      /"level":"error".*"worker":1,.*"pauseMs":[1-9].*cannot be used: EEXIST.*a worker ended/,
    );
    rmSync(path.join(own, '1'));
    await system.ready(adminUrl());
  });

  it('ends well when it is told to stop before any worker serves', async () => {
    const program = start({ WORKERS: '2' });
    await until('the admin port answers', async () => (await status(`${adminUrl()}/healthz`)) === 200);
    expect(await program.signal('SIGTERM')).toBe(0);
    expect(program.output).toContain('all workers have ended');
  });

  it('ends with one line when it cannot start', async () => {
    await ready({ WORKERS: '2' });
    const blocked = path.join(directory, 'all-blocked');
    mkdirSync(blocked);
    for (const worker of ['1', '2']) writeFileSync(path.join(blocked, worker), 'no directory');
    const cases: readonly [Record<string, string>, RegExp][] = [
      [{ WORKERS: '257' }, /^bad settings: WORKERS must be a whole number from 0 to 256\n$/],
      [{ SNAPSHOT_DIR: snapshotDir }, /^\S+ is in use by the gateway .*\n$/],
      [{ PORT: String(port) }, /^port \d+ of 127.0.0.1 is taken: set PORT to another one\n$/],
      [{ ADMIN_PORT: String(adminPort) }, /^port \d+ of .* set ADMIN_PORT to another one\n$/],
      [{ SNAPSHOT_DIR: blocked }, /^the snapshot directory \S+ cannot be used: EEXIST\n$/],
    ];
    const ports = await freePortsInARow(2 * cases.length);
    const ends = cases.map(async ([settings], at) => {
      const [ownPort, ownAdminPort] = ports.slice(2 * at).map(String);
      const own = {
        PORT: ownPort ?? '',
        ADMIN_PORT: ownAdminPort ?? '',
        SNAPSHOT_DIR: path.join(directory, `own-${at}`),
      };
      const program = start({ ...own, WORKERS: '2', ...settings });
      return [await program.exited(), program.output];
    });
    expect(await Promise.all(ends)).toEqual(cases.map(([, line]) => [1, expect.stringMatching(line)]));
  });
});
