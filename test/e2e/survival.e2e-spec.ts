import { Redis } from 'ioredis';
import { GatewardenSystem, type ApiAnswer } from '../support/gatewarden-system.ts';
import { authJwtPolicy, policyBody, proxyBody } from '../support/policies.ts';
import { call, json, requestToken } from '../support/token-client.ts';
import { until } from '../support/until.ts';

const PROXIES = '/apiops/projects/demo/apiProxies';
const POLICY = `${PROXIES}/orders/policies/jwt-auth/`;

interface ServedProxy {
  readonly name: string;
  readonly revision: number;
  readonly deployment: number;
}

describe('what is killed, stopped or emptied', () => {
  let system: GatewardenSystem;
  let keys: { publicKey: string; secretKey: string };

  const login = (index = 0) =>
    requestToken(system.gateway('production', index).url, {
      grant_type: 'client_credentials',
      client_id: keys.publicKey,
      client_secret: keys.secretKey,
    });
  const policy = (seconds: number) => authJwtPolicy({ grantType: 'CLIENT_CREDENTIALS', tokenExpiresInAmount: seconds });
  const change = (seconds: number): Promise<ApiAnswer> =>
    system.api('PUT', POLICY, policyBody(policy(seconds), ['production']));
  const storedSeconds = async (): Promise<number> =>
    (await system.api('GET', POLICY)).body.resultList[0].policy.tokenExpiresInAmount as number;
  const served = async (index: number): Promise<ServedProxy | undefined> => {
    const config = await json(await fetch(`${system.gateway('production', index).adminUrl}/config`));
    return (config.proxies as ServedProxy[]).find((proxy) => proxy.name === 'orders');
  };
  const revision = async (): Promise<number> =>
    (await system.api('GET', `${PROXIES}/orders/`)).body.resultList[0].revision as number;

  beforeAll(async () => {
    system = await GatewardenSystem.start(['production']);
    await system.api('POST', '/apiops/projects/', { name: 'demo' });
    const created = await system.api('POST', `${PROXIES}/url/`, proxyBody('orders', '/orders', system.upstreamUrl));
    keys = created.body.resultList[0];
    await system.api('POST', POLICY, policyBody(policy(3600), ['production']));
  }, 120_000);

  afterAll(async () => system.stop());

  it('a gateway killed with -9: the others serve, deployments go on, and it comes back with the newest', async () => {
    const { access_token: token } = (await login(1)).body;
    const { program, adminUrl } = system.gateway('production', 0);
    await program.signal('SIGKILL');
    expect((await call(`${system.gateway('production', 1).url}/orders/1`, token)).status).toBe(200);
    const changed = await change(1001);
    expect(changed.body.deploymentResult).toMatchObject({ success: true });
    expect(changed.body.deploymentResult.deploymentResults[0].gateways).toMatchObject({ live: 1, applied: 1 });
    program.start();
    await system.ready(adminUrl);
    await until('it serves the newest revision', async () => (await served(0))?.revision === (await revision()));
  });

  it('the control plane killed with -9 in the midst of changes: each answered one is there once, and is deployed', async () => {
    const before = await revision();
    const added: string[] = [];
    let answered = 0;
    const add = async (number: number) => {
      const name = `extra-${number}`;
      const answer = await system.api('POST', `${PROXIES}/orders/policies/${name}/`, {
        ...policyBody({ ...policy(60), active: false }, []),
      });
      if (answer.status !== 200) return;
      added.push(name);
      answered += 1;
      if (answered === 3) void system.controlPlane.signal('SIGKILL');
    };
    await Promise.allSettled(Array.from({ length: 12 }, (_, number) => add(number)));
    await system.controlPlane.exited();
    system.controlPlane.start();
    await system.ready(system.controlPlaneUrl);
    const listed = await system.api('GET', `${PROXIES}/orders/policies/`);
    const names = (listed.body.resultList[0].apiProxy.requestPolicyList as { name: string }[]).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(added));
    expect(new Set(names).size).toBe(names.length);
    expect(await revision()).toBe(before + names.length - 1);
    for (const index of [0, 1]) {
      await until('the newest is deployed', async () => (await served(index))?.revision === (await revision()));
    }
  });

  it('the Redis of the environment stopped: traffic goes on, a change is recorded and deploys itself afterwards', async () => {
    const { access_token: token } = (await login()).body;
    await system.environment('production').redis.stop();
    expect((await call(`${system.gateway('production').url}/orders/2`, token)).status).toBe(200);
    await until('token calls say what is wrong', async () => {
      const answer = await login();
      return answer.status === 503 && answer.body.error === 'temporarily_unavailable';
    });
    const changed = await change(1003);
    expect(changed.status).toBe(200);
    expect(changed.body.deploymentResult.success).toBe(false);
    expect(changed.body.deploymentResult.deploymentResults[0].message).toContain('pending');
    expect(await storedSeconds()).toBe(1003);

    const { program, url, adminUrl } = system.gateway('production', 0);
    await program.signal('SIGKILL');
    program.start();
    await system.ready(adminUrl);
    expect((await call(`${url}/orders/3`, token)).status).toBe(200);
    expect((await call(`${url}/orders/3`, 'nonsense')).status).toBe(401);

    await system.redisAgain('production');
    for (const index of [0, 1]) {
      await until('the change arrives', async () => (await served(index))?.revision === (await revision()), 40_000);
    }
    await until('tokens are issued again', async () => (await login()).body.expires_in === 1003, 20_000);
  }, 120_000);

  it('the Redis of the environment emptied: nothing older is served, and everything is published again', async () => {
    const before = await served(0);
    const { access_token: token } = (await login()).body;
    const redis = new Redis(system.environment('production').redis.url);
    await redis.flushall();
    redis.disconnect();
    expect((await call(`${system.gateway('production').url}/orders/4`, token)).status).toBe(200);
    for (const index of [0, 1]) {
      await until('it is published again under a later number', async () => {
        const now = await served(index);
        expect(now?.revision).toBe(before?.revision);
        return (now?.deployment ?? 0) > (before?.deployment ?? 0);
      });
    }
    await until('the proxy is a known client again', async () => (await login()).status === 200);
  });

  it('the queue stopped: a change is recorded, says that it waits, and deploys itself afterwards', async () => {
    await system.stopQueue();
    const changed = await change(1005);
    expect(changed.status).toBe(200);
    expect(changed.body.deploymentResult).toMatchObject({ success: false });
    expect(changed.body.deploymentResult.deploymentResults[0].message).toContain('pending');
    await system.startQueue();
    for (const index of [0, 1]) {
      await until('the change arrives', async () => (await served(index))?.revision === (await revision()), 40_000);
    }
  });

  it('a gateway told to stop: requests in flight end well', async () => {
    const { program, url, adminUrl } = system.gateway('production', 1);
    const { access_token: token } = (await login(1)).body;
    const inFlight = Array.from({ length: 20 }, (_, number) => call(`${url}/orders/${number}`, token));
    await Promise.race(inFlight);
    const code = program.signal('SIGTERM');
    const statuses = await Promise.all(inFlight.map(async (answer) => (await answer).status));
    expect(statuses.every((status) => status === 200)).toBe(true);
    expect(await code).toBe(0);
    program.start();
    await system.ready(adminUrl);
  });
});
