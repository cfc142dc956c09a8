import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { GatewardenSystem, type ApiAnswer } from '../support/gatewarden-system.ts';
import { IdentityProvider, providerKey, signedBy } from '../support/identity-provider.ts';
import { authJwtPolicy, policyBody, proxyBody } from '../support/policies.ts';
import { RedisWithUsers } from '../support/redis-with-users.ts';
import { call, requestToken } from '../support/token-client.ts';
import { until } from '../support/until.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const DEPLOY = path.join(ROOT, 'deploy/redis');
const BOTH = ['staging', 'production'];
const P = '/apiops/projects/demo';

const password = () => randomBytes(18).toString('hex');
const PASSWORDS = {
  ...{ 'control-plane': password(), 'gateway-staging': password(), 'gateway-production': password() },
  ...{ administrator: password(), replica: password(), sentinel: password() },
};

const variables = (passwords: Partial<Record<keyof typeof PASSWORDS, string>> = PASSWORDS) => ({
  PATH: process.env['PATH'] ?? '',
  CONTROL_PLANE_REDIS_PASSWORD: passwords['control-plane'] ?? '',
  GATEWAY_REDIS_PASSWORD_STAGING: passwords['gateway-staging'] ?? '',
  GATEWAY_REDIS_PASSWORD_PRODUCTION: passwords['gateway-production'] ?? '',
  ...(passwords.administrator === undefined ? {} : { REDIS_ADMINISTRATOR_PASSWORD: passwords.administrator }),
  ...(passwords.replica === undefined ? {} : { REDIS_REPLICA_PASSWORD: passwords.replica }),
  ...(passwords.sentinel === undefined ? {} : { REDIS_SENTINEL_PASSWORD: passwords.sentinel }),
});
const usersAcl = (env: Readonly<Record<string, string>> = variables(), environments: readonly string[] = BOTH) =>
  execFileSync('sh', [path.join(DEPLOY, 'make-users-acl.sh'), ...environments], {
    env,
    encoding: 'utf8',
    stdio: 'pipe',
  });
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

describe('deploy/redis/make-users-acl.sh', () => {
  it('prints the users of users.acl, with hashes of the passwords in place of their names', () => {
    const printed = usersAcl();
    for (const secret of Object.values(PASSWORDS)) expect(printed).not.toContain(secret);
    const named = Object.entries(PASSWORDS).reduce(
      (text, [user, secret]) => text.replaceAll(`#${sha256(secret)}`, `#SHA256-OF-THE-PASSWORD-OF-${user}`),
      printed,
    );
    expect(named).toBe(readFileSync(path.join(DEPLOY, 'users.acl'), 'utf8'));
  });

  it('makes no user of those who run Redis whose password is not given', () => {
    const programs = ['control-plane', 'gateway-staging', 'gateway-production'] as const;
    const printed = usersAcl(variables(Object.fromEntries(programs.map((user) => [user, PASSWORDS[user]]))));
    const names = printed.split('\n').map((line) => line.split(' ')[1]);
    expect(names).toEqual(['default', 'health', ...programs, undefined]);
  });

  it.each([
    ['no environment', variables(), [], 'name the environments'],
    ['an environment that is named twice', variables(), ['staging', 'staging'], 'environment "staging"'],
    [
      'two environments with one variable',
      variables(),
      ['a-b', 'a.b'],
      'environment "a.b": GATEWAY_REDIS_PASSWORD_A_B is the password of one before it',
    ],
    [
      'a short password of a replica',
      variables({ ...PASSWORDS, replica: 'short' }),
      BOTH,
      'REDIS_REPLICA_PASSWORD must',
    ],
    ['a name that is a pattern', variables(), ['stag*'], 'environment "stag*"'],
    ['a missing password', variables(), ['other'], 'GATEWAY_REDIS_PASSWORD_OTHER is not set'],
    [
      'a short password',
      variables({ ...PASSWORDS, 'gateway-staging': 'short' }),
      BOTH,
      'GATEWAY_REDIS_PASSWORD_STAGING must have at least 16 characters',
    ],
  ])('prints nothing but what is wrong for %s', (_what, env, environments, message) => {
    let failure: { stdout?: string; stderr?: string } = {};
    try {
      usersAcl(env, environments);
    } catch (error) {
      failure = error as typeof failure;
    }
    expect(failure.stderr).toContain(message);
    expect(failure.stdout).toBe('');
  });

  it('allows gateways every command of the scripts that they run', () => {
    const allowed = readFileSync(path.join(DEPLOY, 'gateways.acl'), 'utf8').split(/\s+/);
    const isScript = (file: string) => file.endsWith('.lua');
    const scriptsIn = (folder: string) =>
      readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
        .filter(isScript)
        .map((file) => path.join(ROOT, folder, file));
    const folders = ['apps/gateway/src', 'libs/refresh-token-store/src', 'libs/token-revocations/src'];
    const ofChannel = scriptsIn('libs/config-distribution/src').filter((file) => /renew-lease|key-set/.test(file));
    const scripts = [...folders.flatMap(scriptsIn), ...ofChannel];
    expect(scripts.length).toBeGreaterThan(12);
    for (const script of scripts) {
      const used = readFileSync(script, 'utf8').matchAll(/redis\.p?call\('(\w+)'/g);
      for (const [, command = ''] of used) expect(allowed).toContain(`+${command.toLowerCase()}`);
    }
  });
});

describe('a Redis with the users of deploy/redis', () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-acl-'));
  const aclFile = path.join(directory, 'users.acl');
  const provider = new IdentityProvider();
  let redis: RedisWithUsers;
  let administrator: Redis;
  let system: GatewardenSystem;
  let client: Record<string, string> = {};

  const urlOf = (user: string, secret: string) => redis.urlOf(user, secret);
  const done = async (method: string, at: string, body?: unknown): Promise<ApiAnswer['body']> => {
    const answer = await system.api(method, at, body);
    if (answer.status !== 200) throw new Error(`${method} ${at}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const origin = (index = 0) => system.gateway('production', index).url;
  /** What the server refused, whoever asked: user, reason and object. */
  async function refusals(): Promise<readonly unknown[]> {
    const entries = (await administrator.call('ACL', 'LOG')) as unknown[][];
    return entries.map((entry) =>
      ['username', 'reason', 'object', 'context'].map((name) => entry[entry.indexOf(name) + 1]),
    );
  }
  const login = async () => {
    const form = { grant_type: 'password', username: 'ann', password: 'the password of ann', ...client };
    const answer = await requestToken(origin(), form);
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
    return answer.body as { access_token: string; refresh_token: string };
  };
  const refresh = (token: string) =>
    requestToken(origin(1), { grant_type: 'refresh_token', refresh_token: token, ...client });
  const statuses = (proxy: string, token: string) =>
    Promise.all([0, 1].map(async (index) => (await call(`${origin(index)}/${proxy}/7`, token)).status));

  beforeAll(async () => {
    writeFileSync(aclFile, usersAcl());
    redis = await RedisWithUsers.start({ dataDir: path.join(directory, 'redis'), aclFile });
    const secrets: Readonly<Record<string, string>> = PASSWORDS;
    const { port, pid } = redis;
    const url = urlOf('control-plane', PASSWORDS['control-plane']);
    const oneRedis = { url, port, pid, exited: Promise.resolve(), stop: () => redis.stop() };
    administrator = new Redis(urlOf('administrator', PASSWORDS.administrator));
    system = await GatewardenSystem.start(BOTH, {
      ...{ gatewaysEach: 2, deployers: 0, oneRedis },
      gatewaySettings: (_number, environment) => ({
        REDIS_URL: urlOf(`gateway-${environment}`, secrets[`gateway-${environment}`] ?? ''),
        JWKS_ALLOW_PRIVATE_HOSTS: 'true',
      }),
    });
    await done('POST', '/apiops/projects/', { name: 'demo' });
  }, 180_000);
  afterAll(async () => {
    await system.stop();
    administrator.disconnect();
    await provider.close();
    await redis.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('serves deployments, logins, refreshes, revocations and shared key sets, and refuses nothing of it', async () => {
    const made = await done('POST', `${P}/apiProxies/url/`, proxyBody('orders', '/orders', system.upstreamUrl));
    const { publicKey, secretKey } = made.resultList[0];
    client = { client_id: publicKey, client_secret: secretKey };
    const { deploymentResult } = await done(
      'POST',
      `${P}/apiProxies/orders/policies/issue/`,
      policyBody(authJwtPolicy(), BOTH),
    );
    expect(deploymentResult.deploymentResults).toMatchObject(
      BOTH.map(() => ({ success: true, gateways: { applied: 2 } })),
    );
    const ann = { username: 'ann', password: 'the password of ann', email: 'ann@example.org', fullName: 'ann' };
    await done('POST', `${P}/credentials/`, { ...ann, roleNameList: [] });

    const first = await until('ann is known', () => login().catch(() => undefined));
    expect(await statuses('orders', first.access_token)).toEqual([200, 200]);
    const second = await refresh(first.refresh_token);
    expect(second.status).toBe(200);
    const wrong = { grant_type: 'password', username: 'ann', password: 'not hers', ...client };
    expect((await requestToken(origin(), wrong)).status).toBe(400);
    const basic = Buffer.from(`${client['client_id']}:${client['client_secret']}`).toString('base64');
    const ended = await fetch(`${origin()}/auth/revoke`, {
      ...{ method: 'POST', headers: { authorization: `Basic ${basic}` } },
      body: new URLSearchParams({ token: second.body.access_token }),
    });
    expect(ended.status).toBe(200);
    await until('it is revoked', async () => (await statuses('orders', second.body.access_token)).join() === '401,401');
    await login();
    const tokens = `${P}/credentials/ann/tokens/?environmentName=production`;
    expect((await done('GET', tokens)).resultList).not.toEqual([]);
    await done('DELETE', tokens);

    const key = await providerKey('key-1');
    provider.keys = [key.jwk];
    const uri = await provider.listen();
    await done('POST', `${P}/apiProxies/url/`, proxyBody('partner', '/partner', system.upstreamUrl));
    const policy = {
      ...{ type: 'policy-verify-jwt', algorithm: ['ES256'], publicKey: { jwks: { uri } } },
    };
    await done('POST', `${P}/apiProxies/partner/policies/check/`, policyBody(policy, ['production']));
    const token = await signedBy(key);
    await until('both have the key set', async () => (await statuses('partner', token)).join() === '200,200');
    await done('POST', '/apiops/environments/production/jwks/flush/', {});

    await done('GET', '/apiops/environments/production/gateways/');
    await done('GET', '/apiops/environments/production/drift/');
    await done('GET', '/apiops/environments/production/queue/');
    expect((await system.api('GET', '/apiops/queues/api/queues')).status).toBe(200);
    const cut = await done('POST', '/apiops/environments/production/keys/');
    await done('DELETE', `/apiops/environments/production/keys/${cut.resultList[0].gatewayKey.split('_')[1]}/`);
    expect(await refusals()).toEqual([]);
  }, 120_000);

  it('goes on after a restart of Redis, and when its data are lost', async () => {
    const before = await login();
    /** Of the environments; those that expire by themselves may do so at any moment. */
    const lasting = async (): Promise<string[]> => {
      const keys = await administrator.keys('gw:*');
      const lives = await Promise.all(keys.map((key) => administrator.pttl(key)));
      return keys.filter((_key, index) => lives[index] === -1);
    };
    const keysBefore = await lasting();
    await redis.stop();
    await redis.start();
    expect(await lasting()).toEqual(expect.arrayContaining(keysBefore));
    // Nothing of it was lost with the restart: a login from before goes on.
    await until('a login of before goes on', async () => (await refresh(before.refresh_token)).status === 200);
    const again = await until('logins are possible again', () => login().catch(() => undefined));
    expect((await refresh(again.refresh_token)).status).toBe(200);
    const { epoch } = await administrator.hgetall('gw:{production}:position');
    await administrator.flushall();
    await until('everything is published again', async () => {
      const at = await administrator.hgetall('gw:{production}:position');
      return at['sequence'] === '2' && at['epoch'] !== epoch;
    });
    await until('ann may log in again', () => login().catch(() => undefined), 60_000);
    // Gateways that end say so in Redis.
    await system.gateway('staging', 1).program.signal('SIGTERM');
    expect(await refusals()).toEqual([]);
  }, 120_000);

  it('lets the administrator take a new file, and look at what was refused', async () => {
    expect(await administrator.call('ACL', 'LOAD')).toBe('OK');
    expect(await administrator.call('ACL', 'WHOAMI')).toBe('administrator');
    expect(await refusals()).toEqual([]);
  });

  describe('keeps the gateways of staging', () => {
    let staging: Redis;
    beforeAll(async () => {
      staging = new Redis(urlOf('gateway-staging', PASSWORDS['gateway-staging']), { maxRetriesPerRequest: 1 });
      await administrator.set('gw:production:rt:{tag}:families', 'x');
    });
    afterAll(() => staging.disconnect());

    const refused = (...command: readonly [string, ...string[]]) =>
      expect(staging.call(...command)).rejects.toThrow(/NOPERM|user executing the script can't/);

    it('from every key of production and of the queue, by command and by script', async () => {
      const expected = ['gw:{production}:log', 'gw:{production}:key-ring'];
      // All was lost just before: some of it comes back with a later look of the control plane.
      const keys = await until(
        'the keys are there',
        async () => {
          const found = await administrator.keys('*');
          return expected.every((key) => found.includes(key)) && found;
        },
        60_000,
      );
      const foreign = keys.filter((key) => !/^gw:(\{staging\}|staging):/.test(key));
      expect(foreign.some((key) => key.startsWith('gatewarden:'))).toBe(true);
      for (const key of foreign) {
        for (const command of ['get', 'hgetall', 'del', 'type']) await refused(command, key);
        await refused('set', key, 'x');
        await refused('eval', "return redis.call('TYPE', KEYS[1])", '1', key);
        await refused('eval', `return redis.call('TYPE', '${key}')`, '0');
      }
      for (const topic of ['changes', 'leases']) {
        await refused('publish', `gw:{production}:topic:${topic}`, '');
        await refused('subscribe', `gw:{production}:topic:${topic}`);
      }
      await refused('psubscribe', '*');
    });

    it('from writing what the control plane publishes to them', async () => {
      const published = [
        'key-ring',
        'position',
        'checkpoint',
        'log',
        'artifacts',
        'last-good',
        'identities:credential',
      ];
      for (const name of published) {
        await refused('hset', `gw:{staging}:${name}`, 'field', 'value');
        await refused('del', `gw:{staging}:${name}`);
      }
    });

    const FORBIDDEN: readonly (readonly [string, ...string[]])[] = [
      ['keys', '*'],
      ['scan', '0'],
      ['flushall'],
      ['flushdb'],
      ['config', 'get', '*'],
      ['script', 'flush'],
      ['function', 'flush'],
      ['acl', 'list'],
      ['client', 'list'],
      ['client', 'kill', 'type', 'normal'],
      ['shutdown'],
      ['replicaof', 'no', 'one'],
      ['monitor'],
      ['save'],
      ['migrate', '127.0.0.1', '1', 'key', '0', '1'],
      ['swapdb', '0', '1'],
    ];
    it.each(FORBIDDEN.map((command) => [command] as const))(
      'from %j, as it keeps the control plane',
      async (command) => {
        await refused(...command);
        const plane = new Redis(urlOf('control-plane', PASSWORDS['control-plane']), { maxRetriesPerRequest: 1 });
        const [name, ...values] = command;
        await expect(plane.call(name, ...values)).rejects.toThrow(/NOPERM/);
        plane.disconnect();
      },
    );

    it('apart from whoever has no password, and who may only ask whether the server is there', async () => {
      const asks = async (url: string) => {
        const nobody = new Redis(url, { maxRetriesPerRequest: 1, enableReadyCheck: false });
        nobody.on('error', () => undefined);
        const answers = ['ping', 'info'].map((command) => nobody.call(command).catch((error: Error) => error.message));
        const all = await Promise.all([
          ...answers,
          nobody.get('gw:{staging}:log').catch((error: Error) => error.message),
        ]);
        nobody.disconnect();
        return all;
      };
      const [noAuth, noPerm] = [expect.stringContaining('NOAUTH'), expect.stringContaining('NOPERM')];
      expect(await asks(`redis://127.0.0.1:${redis.port}`)).toEqual([noAuth, noAuth, noAuth]);
      expect(await asks(urlOf('health', 'anything'))).toEqual(['PONG', noPerm, noPerm]);
    });
  });
});
