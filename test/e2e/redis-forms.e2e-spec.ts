import { setTimeout as pause } from 'node:timers/promises';
import type { RunningServer } from '#libs/embedded-servers';
import { GatewardenSystem, type ApiAnswer } from '../support/gatewarden-system.ts';
import { authJwtPolicy, policyBody, proxyBody } from '../support/policies.ts';
import { RedisCluster } from '../support/redis-cluster.ts';
import { RedisSentinels } from '../support/redis-sentinels.ts';
import { call, json, requestToken, type TokenAnswer } from '../support/token-client.ts';
import { until } from '../support/until.ts';

const PROXIES = '/apiops/projects/demo/apiProxies';
const POLICY = `${PROXIES}/orders/policies/jwt-auth/`;
const ENVIRONMENT = 'production';
const SETTLED_WITHIN_MS = 60_000;
const BETWEEN_CALLS_MS = 50;

/** Servers that the test starts and stops itself, as the system takes them. */
const placeAt = (url: string): RunningServer => ({
  ...{ url, port: 0, pid: 0, exited: new Promise<never>(() => undefined) },
  stop: async () => undefined,
});

/** A control plane and two gateways, with queue and environment in one Redis of any form. */
class Site {
  private constructor(
    readonly system: GatewardenSystem,
    private readonly keys: { publicKey: string; secretKey: string },
  ) {}

  /** Each program with its own user of Redis. */
  static async start(redis: RedisCluster | RedisSentinels, settings: Readonly<Record<string, string>> = {}) {
    const gatewaySettings = { ...settings, REDIS_URL: redis.urlOf(`gateway-${ENVIRONMENT}`) };
    const layout = { gatewaysEach: 2, deployers: 0, oneRedis: placeAt(redis.url), settings, gatewaySettings };
    const system = await GatewardenSystem.start([ENVIRONMENT], layout);
    await system.api('POST', '/apiops/projects/', { name: 'demo' });
    const created = await system.api('POST', `${PROXIES}/url/`, proxyBody('orders', '/orders', system.upstreamUrl));
    const site = new Site(system, created.body.resultList[0]);
    const saved = await system.api('POST', POLICY, policyBody(site.policy(3_600), [ENVIRONMENT]));
    expect(saved.body.deploymentResult).toMatchObject({ success: true });
    return site;
  }

  login(index = 0): Promise<TokenAnswer> {
    const { publicKey, secretKey } = this.keys;
    const url = this.system.gateway(ENVIRONMENT, index).url;
    return requestToken(url, { grant_type: 'client_credentials', client_id: publicKey, client_secret: secretKey });
  }

  call(token: string, index = 0): Promise<Response> {
    return call(`${this.system.gateway(ENVIRONMENT, index).url}/orders/1`, token);
  }

  /** Saves and deploys another life of the proxy's tokens. */
  change(seconds: number): Promise<ApiAnswer> {
    return this.system.api('PUT', POLICY, policyBody(this.policy(seconds), [ENVIRONMENT]));
  }

  /** Ends when both gateways give tokens of that life: they serve the change, and their clients are known. */
  async givesTokensOf(seconds: number): Promise<void> {
    for (const index of [0, 1]) {
      const what = `gateway ${index + 1} gives tokens of ${seconds} s`;
      await until(what, async () => (await this.login(index)).body.expires_in === seconds, SETTLED_WITHIN_MS);
    }
  }

  /** The number of the deployment that each gateway serves. */
  async served(): Promise<number[]> {
    const configs = await Promise.all(
      [0, 1].map(async (index) => json(await fetch(`${this.system.gateway(ENVIRONMENT, index).adminUrl}/config`))),
    );
    return configs.map(({ proxies }) => (proxies as { deployment: number }[])[0]?.deployment ?? 0);
  }

  private policy(seconds: number): object {
    return authJwtPolicy({ grantType: 'CLIENT_CREDENTIALS', tokenExpiresInAmount: seconds });
  }
}

/** Asks for tokens without a pause until it is stopped, and calls the API with the first one. */
function traffic(site: Site, token: string) {
  const tokenStatuses = new Set<number>();
  const callStatuses = new Set<number>();
  let awayMs = 0;
  let isStopped = false;
  const run = (async (): Promise<void> => {
    while (!isStopped) {
      const beganMs = performance.now();
      const { status } = await site.login();
      tokenStatuses.add(status);
      callStatuses.add((await site.call(token)).status);
      await pause(BETWEEN_CALLS_MS);
      if (status !== 200) awayMs += performance.now() - beganMs;
    }
  })();
  const stop = async () => {
    isStopped = true;
    await run;
    return { tokenStatuses: [...tokenStatuses].sort(), callStatuses: [...callStatuses], awayMs: Math.round(awayMs) };
  };
  return { stop };
}

describe('a system on a Redis Cluster', () => {
  let cluster: RedisCluster;
  let site: Site;
  beforeAll(async () => {
    cluster = await RedisCluster.start();
    site = await Site.start(cluster);
  }, 120_000);
  afterAll(async () => {
    await site?.system.stop();
    await cluster?.stop();
  });

  it('deploys, gives tokens and refuses them', async () => {
    await site.givesTokensOf(3_600);
    const { access_token: token } = (await site.login()).body;
    expect((await site.call(token, 1)).status).toBe(200);
    expect((await site.call('nonsense', 1)).status).toBe(401);
    expect((await site.change(3_601)).body.deploymentResult).toMatchObject({ success: true });
    await site.givesTokensOf(3_601);
  });

  it.each([
    ['the environment', `gw:{${ENVIRONMENT}}:position`, 3_602],
    ['the queue', '{gatewarden}:deploy', 3_603],
  ])(
    'goes on when the master with %s is killed and the others elect its replica, and a deployment under way is applied',
    async (what, key, seconds) => {
      const { access_token: token } = (await site.login()).body;
      const calls = traffic(site, token);
      const [changed] = await Promise.all([site.change(seconds), cluster.failOver(key)]);
      expect(changed.status).toBe(200);
      await site.givesTokensOf(seconds);
      const { tokenStatuses, callStatuses, awayMs } = await calls.stop();
      expect(callStatuses).toEqual([200]);
      expect([[200], [200, 503]]).toContainEqual(tokenStatuses);
      console.log(`token calls were 503 for ${awayMs} ms while a cluster elected the master with ${what}`);
      expect((await site.change(seconds + 100)).body.deploymentResult).toMatchObject({ success: true });
    },
    120_000,
  );
});

describe('a system on a Redis behind Sentinels, all of them with TLS', () => {
  let sentinels: RedisSentinels;
  let site: Site;
  beforeAll(async () => {
    sentinels = await RedisSentinels.start({ host: 'localhost', isEncrypted: true });
    site = await Site.start(sentinels, sentinels.certificates?.clientSettings());
  }, 120_000);
  afterAll(async () => {
    await site?.system.stop();
    await sentinels?.stop();
  });

  it('follows them to another master: token calls are 503 only meanwhile, and what the replica missed is put right', async () => {
    await site.givesTokensOf(3_600);
    const before = Math.max(...(await site.served()));
    const { access_token: token } = (await site.login()).body;
    await sentinels.cutReplicaOff();
    // Applied by the gateways, and lost with the master: the new one is a copy from before.
    expect((await site.change(3_610)).body.deploymentResult).toMatchObject({ success: true });
    const lost = Math.max(...(await site.served()));
    expect(lost).toBeGreaterThan(before);

    const port = await sentinels.masterPort();
    const calls = traffic(site, token);
    await sentinels.killMaster();
    const [changed] = await Promise.all([site.change(3_611), sentinels.failedOver(port)]);
    // Applied or honestly waiting: never lost.
    expect(changed.status).toBe(200);
    await site.givesTokensOf(3_611);
    expect(Math.min(...(await site.served()))).toBeGreaterThan(lost);
    const { tokenStatuses, callStatuses, awayMs } = await calls.stop();
    expect(callStatuses).toEqual([200]);
    expect(tokenStatuses).toEqual([200, 503]);
    console.log(`token calls were 503 for ${awayMs} ms of a fail-over by Sentinels`);
    expect((await site.change(3_612)).body.deploymentResult).toMatchObject({ success: true });
  }, 180_000);
});
