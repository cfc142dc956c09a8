import { askKept, KeptClients, oneConnection } from '../support/kept-clients.ts';
import { GatewardenSystem } from '../support/gatewarden-system.ts';
import { HeldUpstream } from '../support/held-upstream.ts';
import { askOverNewConnections } from '../support/new-connections.ts';
import { proxyBody } from '../support/policies.ts';
import { json } from '../support/token-client.ts';
import { until } from '../support/until.ts';
import { isRunning, metricSum, workerPid, workersOf } from '../support/worker-views.ts';

const PROXIES = '/apiops/projects/demo/apiProxies';
const REQUESTS = 'gatewarden_requests_total';

describe('gateways of two workers each', () => {
  let system: GatewardenSystem;
  const held = new HeldUpstream();
  const url = (index: number, path: string) => system.gateway('production', index).url + path;
  const admin = (index: number) => system.gateway('production', index).adminUrl;
  const program = (index: number) => system.gateway('production', index).program;
  const status = async (address: string) => (await fetch(address, { headers: { connection: 'close' } })).status;
  const changed = async (path: string) => {
    const body = { ...proxyBody('orders', '/orders', system.upstreamUrl, ['production']) };
    body.clientRoute.relativePathList.push(path);
    return system.api('PUT', `${PROXIES}/url/`, body);
  };

  beforeAll(async () => {
    const gatewaySettings = { WORKERS: '2', DRAIN_TIMEOUT_MS: '20000' };
    system = await GatewardenSystem.start(['production'], { gatewaysEach: 2, deployers: 0, gatewaySettings });
    await system.api('POST', '/apiops/projects/', { name: 'demo' });
    const heldUrl = await held.listen();
    for (const [name, upstream] of [
      ['orders', system.upstreamUrl],
      ['held', heldUrl],
    ] as const) {
      await system.api('POST', `${PROXIES}/url/`, proxyBody(name, `/${name}`, upstream, ['production']));
    }
  }, 120_000);

  afterEach(() => held.release());
  afterAll(async () => {
    await system.stop();
    await held.close();
  });

  it('are a gateway each for the control plane, which waits for all of them', async () => {
    const { body } = await changed('/more');
    expect(body.deploymentResult.deploymentResults[0].gateways).toEqual({
      ...{ live: 4, applied: 4, rejected: 0, pending: 0 },
    });
    const listed = await system.api('GET', '/apiops/environments/production/gateways/');
    const ids = (listed.body.resultList as { gatewayId: string }[]).map(({ gatewayId }) => gatewayId).sort();
    expect(ids).toEqual(['production-1.1', 'production-1.2', 'production-2.1', 'production-2.2']);
  });

  it('answer on the admin port for all workers: how far each is, and their counts together', async () => {
    const before = await metricSum(admin(0), REQUESTS);
    for (let asked = 0; asked < 10; asked += 1) expect(await status(url(0, '/orders/1'))).toBe(200);
    expect(await metricSum(admin(0), REQUESTS)).toBe(before + 10);
    const config = await json(await fetch(`${admin(0)}/config`));
    expect(config).toMatchObject({ environment: 'production', proxies: [{ name: 'held' }, { name: 'orders' }] });
    const each = { pid: expect.any(Number) as number, ready: true, deployment: config.deployment as number };
    expect(config.workers).toEqual([
      { worker: 1, ...each },
      { worker: 2, ...each },
    ]);
    expect(await metricSum(admin(0), 'gatewarden_workers{state="serving"}')).toBe(2);
    expect(await metricSum(admin(0), 'gatewarden_deployment')).toBe(config.deployment);
    expect(await metricSum(admin(0), 'gatewarden_redis_up')).toBe(1);
    expect(await metricSum(admin(0), 'gatewarden_metrics_sources_missing')).toBe(0);
  });

  it('replace a worker that is killed, while the other serves all that is not its', async () => {
    const connections = Array.from({ length: 10 }, oneConnection);
    for (const agent of connections) expect((await askKept(agent, url(0, '/orders/1'))).status).toBe(200);
    const counted = await metricSum(admin(0), REQUESTS);
    const restarts = await metricSum(admin(0), 'gatewarden_worker_restarts_total');
    const pid = await workerPid(admin(0), 1);
    const lost = connections.map((agent) => {
      const [[socket] = []] = Object.values(agent.freeSockets);
      return new Promise<boolean>((resolve) => socket?.once('close', () => resolve(true)));
    });
    const before = askOverNewConnections(100, url(0, '/orders/1'));
    await Promise.race(before);
    process.kill(pid, 'SIGKILL');
    const after = askOverNewConnections(100, url(0, '/orders/1'));
    await Promise.race(lost);
    const answered = after.map(() => 200);
    expect(await Promise.all(after)).toEqual(answered);
    expect([200, 'closed']).toEqual(expect.arrayContaining(await Promise.all(before)));
    const kept = connections.filter((agent) => Object.values(agent.freeSockets).flat().length > 0);
    expect(kept).toHaveLength(5);
    for (const agent of kept) expect((await askKept(agent, url(0, '/orders/1'))).status).toBe(200);
    for (const agent of connections) agent.destroy();
    await until('another takes its place', async () => {
      const [first] = await workersOf(admin(0));
      return first?.ready === true && first.pid !== pid;
    });
    expect(await status(`${admin(0)}/readyz`)).toBe(200);
    expect(await metricSum(admin(0), 'gatewarden_worker_restarts_total')).toBe(restarts + 1);
    expect(await metricSum(admin(0), REQUESTS)).toBeGreaterThanOrEqual(counted + answered.length + kept.length);
    expect(program(0).output).toMatch(/"level":"error".*"worker":1,.*"signal":"SIGKILL".*a worker ended/);
  });

  it('give a worker that hangs one connection and no other, and that one to another when it dies', async () => {
    const pid = await workerPid(admin(0), 1);
    process.kill(pid, 'SIGSTOP');
    const outcomes: unknown[] = [];
    const asked = askOverNewConnections(20, url(0, '/orders/1')).map((outcome) =>
      outcome.then((found) => outcomes.push(found)),
    );
    await until('the other has answered its own', async () => outcomes.length >= asked.length - 1);
    expect(outcomes).toHaveLength(asked.length - 1);
    process.kill(pid, 'SIGKILL');
    await Promise.all(asked);
    expect(outcomes).toEqual(asked.map(() => 200));
    await until('another takes its place', async () => (await status(`${admin(0)}/readyz`)) === 200);
  });

  it('drain a worker that is told to stop alone, and replace it', async () => {
    const answers = [1, 2].map(() => askKept(oneConnection(), url(0, '/held/1')));
    await held.holds(2);
    const pid = await workerPid(admin(0), 2);
    process.kill(pid, 'SIGTERM');
    await until('it is not ready any more', async () => (await status(`${admin(0)}/readyz`)) === 503);
    held.release();
    expect((await Promise.all(answers)).map(({ body }) => body)).toEqual(['released', 'released']);
    await until('another takes its place', async () => {
      const second = (await workersOf(admin(0)))[1];
      return second?.ready === true && second.pid !== pid;
    });
  });

  it('say within a moment what a worker that hangs leaves out', async () => {
    const counted = await metricSum(admin(0), REQUESTS);
    const pid = await workerPid(admin(0), 1);
    process.kill(pid, 'SIGSTOP');
    try {
      expect(await metricSum(admin(0), 'gatewarden_metrics_sources_missing')).toBe(1);
      expect(await metricSum(admin(0), REQUESTS)).toBe(counted);
      expect((await workersOf(admin(0)))[0]).toEqual({ worker: 1, pid, ready: false, deployment: null });
      const unready = await fetch(`${admin(0)}/readyz`);
      expect([unready.status, await unready.json()]).toEqual([
        503,
        { status: 'not ready', reason: 'worker 1 does not answer' },
      ]);
      expect(await status(`${admin(0)}/healthz`)).toBe(200);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await until('it answers again', async () => (await status(`${admin(0)}/readyz`)) === 200);
  });

  it('drop nothing while configurations change', async () => {
    const clients = new KeptClients([url(0, '/orders/1'), url(1, '/orders/1')], 8);
    for (let change = 0; change < 10; change += 1) {
      const { body } = await changed(`/change-${change}`);
      expect(body.deploymentResult).toMatchObject({ success: true });
    }
    await clients.stop();
    expect(clients.failures).toEqual([]);
    expect(clients.answered).toBeGreaterThan(100);
  });

  it('fail no request while one gateway after the other is restarted', async () => {
    const clients = new KeptClients([url(0, '/orders/1'), url(1, '/orders/1')], 8);
    for (const index of [0, 1]) {
      const before = clients.answered;
      await until('there is traffic', async () => clients.answered > before + 100);
      expect(await program(index).signal('SIGTERM')).toBe(0);
      program(index).start();
      await system.ready(admin(index));
    }
    await clients.stop();
    expect(clients.failures).toEqual([]);
  });

  it('finish requests in flight when a terminal tells every process to stop', async () => {
    const answers = [1, 2, 3, 4].map(() => askKept(oneConnection(), url(1, '/held/1')));
    await held.holds(4);
    const pids = (await workersOf(admin(1))).map(({ pid }) => pid ?? 0);
    const exited = program(1).signal('SIGINT');
    for (const pid of pids) process.kill(pid, 'SIGINT');
    // The whole is not ready as soon as the primary knows; the workers hear of it from that.
    await until('every worker says that it is not ready any more', async () =>
      (await workersOf(admin(1))).every(({ ready, deployment }) => !ready && deployment !== null),
    );
    held.release();
    for (const answer of await Promise.all(answers)) expect(answer).toMatchObject({ body: 'released', closes: true });
    expect(await exited).toBe(0);
    expect(pids.filter(isRunning)).toEqual([]);
    program(1).start();
    await system.ready(admin(1));
  });

  it('end at once when they are told again', async () => {
    const answer = askKept(oneConnection(), url(1, '/held/1')).catch(({ code }: NodeJS.ErrnoException) => code);
    await held.holds(1);
    const pids = (await workersOf(admin(1))).map(({ pid }) => pid ?? 0);
    let code: number | null | undefined;
    void program(1)
      .exited()
      .then((exit) => (code = exit));
    await until('a later signal ends it', async () => {
      void program(1).signal('SIGTERM');
      return code !== undefined;
    });
    expect(code).toBe(1);
    expect(await answer).toBe('ECONNRESET');
    await until('its workers are gone', async () => !pids.some(isRunning));
    program(1).start();
    await system.ready(admin(1));
  });

  it('leave no worker behind when the primary is killed, nor a request in flight unanswered', async () => {
    const answers = [1, 2].map(() => askKept(oneConnection(), url(1, '/held/1')));
    await held.holds(2);
    const pids = (await workersOf(admin(1))).map(({ pid }) => pid ?? 0);
    await program(1).signal('SIGKILL');
    held.release();
    expect((await Promise.all(answers)).map(({ body }) => body)).toEqual(['released', 'released']);
    await until('its workers have ended', async () => !pids.some(isRunning));
    program(1).start();
    await system.ready(admin(1));
    expect(await status(url(1, '/orders/1'))).toBe(200);
  });
});
