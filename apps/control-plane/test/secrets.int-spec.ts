import { randomBytes } from 'node:crypto';
import { verifyPassword, verifySecret, type ClientRecord, type CredentialRecord } from '#libs/policy-contracts';
import { FakeGateway } from './testing/fake-gateway.ts';
import { credentialBody, policyBody, proxyBody, verificationBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';
import { testRedisUrl, until } from './testing/test-servers.ts';

const secretText = (): string => `s3cret-${randomBytes(12).toString('hex')}`;

let plane: RunningControlPlane;
let environment: { name: string; id: string; gatewayKey: string };
let gateway: FakeGateway;

beforeAll(async () => {
  plane = await RunningControlPlane.start();
  await plane.done('POST', '/projects/', { name: 'shop' });
  environment = await plane.environment();
  gateway = await FakeGateway.admitted(plane.redis, environment);
});
afterAll(() => plane.close());

describe('a new environment', () => {
  it('has its key ring and an empty configuration by the time its creation is answered', async () => {
    const { name, gatewayKey } = await plane.environment();
    const keys = await plane.redis.keys(`gw:{${name}}:*`);
    expect(keys.sort()).toEqual(expect.arrayContaining(['key-ring', 'checkpoint'].map((key) => `gw:{${name}}:${key}`)));
    const admitted = await FakeGateway.admitted(plane.redis, { name, gatewayKey });
    expect(await admitted.channel.position()).toMatchObject({ sequence: 0 });
    expect(await admitted.channel.checkpoint()).toBeDefined();
    expect(await admitted.channel.recordsAfter(0, 10)).toEqual([]);
  });

  it('hears of the users and the keys that were there before it', async () => {
    await plane.done('POST', '/projects/shop/credentials/', credentialBody('early', secretText()));
    const later = await FakeGateway.admitted(plane.redis, await plane.environment());
    await until('the new environment knows the user', () => later.identity('credential', 'early'));
  });

  it('admits by every key that is valid, and no longer by one that was revoked', async () => {
    const first = await plane.environment();
    const { resultList } = await plane.done('POST', `/environments/${first.name}/keys/`);
    const second = { name: first.name, gatewayKey: String(resultList[0]?.['gatewayKey']) };
    await FakeGateway.admitted(plane.redis, second);
    const admitted = await FakeGateway.admitted(plane.redis, first);
    const keyId = first.gatewayKey.split('_')[1] ?? '';
    await plane.done('DELETE', `/environments/${first.name}/keys/${keyId}/`);
    await until('the key ring lost the key', async () => (await admitted.channel.keyRingEntry(keyId)) === undefined);
    await FakeGateway.admitted(plane.redis, second);
  });
});

describe('an identity record', () => {
  const path = '/projects/shop/credentials';
  const recordOf = (username: string) =>
    gateway.identity('credential', username) as Promise<CredentialRecord | undefined>;
  const clientOf = (publicKey: string) => gateway.identity('client', publicKey) as Promise<ClientRecord | undefined>;

  it('of a credential is there without a deployment, and knows the password', async () => {
    const password = secretText();
    const expireDate = '2031-02-03T04:05:06+01:00';
    await plane.done(
      'POST',
      `${path}/`,
      credentialBody('alice', password, { roleNameList: ['a', 'b', 'a'], expireDate }),
    );
    const record = await until('the record', () => recordOf('alice'));
    expect(record).toEqual({
      ...{
        username: 'alice',
        project: 'shop',
        enabled: true,
        expiresAt: '2031-02-03T03:05:06.000Z',
        roles: ['a', 'b'],
        ipList: [],
        access: [],
        tokenSettings: null,
      },
      passwordVerifier: expect.any(String) as string,
      passwordId: expect.any(String) as string,
    });
    expect(await verifyPassword(record.passwordVerifier, password)).toBe(true);
  });

  it('follows every change of its credential', async () => {
    const [second, third] = [secretText(), secretText()];
    await plane.done('PUT', `${path}/`, credentialBody('alice', second, { enabled: false }));
    const disabled = await until('the disabled record', async () => {
      const record = await recordOf('alice');
      return record?.enabled === false && record;
    });
    expect(await verifyPassword(disabled.passwordVerifier, second)).toBe(true);
    await plane.done('PATCH', `${path}/alice/`, { password: third });
    const changed = await until('the changed record', async () => {
      const record = await recordOf('alice');
      return record?.passwordVerifier !== disabled.passwordVerifier && record;
    });
    expect(await verifyPassword(changed.passwordVerifier, third)).toBe(true);
    expect(await verifyPassword(changed.passwordVerifier, second)).toBe(false);
  });

  it('disappears with its credential, and its verifier with it', async () => {
    await plane.done('DELETE', `${path}/alice/`);
    await until('the record is gone', async () => (await recordOf('alice')) === undefined);
    const left = await plane.pool.query(
      `select 1 from secrets where secret_id::text in (select data #>> '{password,secretId}' from events
       where stream_id in (select stream_id from events where type = 'CredentialDeleted'))`,
    );
    expect(left.rowCount).toBe(0);
  });

  it("of a proxy's keys knows the secret, and moves with its client id", async () => {
    const { resultList } = await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody('keyed'));
    const { publicKey, secretKey } = resultList[0] as { publicKey: string; secretKey: string };
    const record = await until('the record', () => clientOf(publicKey));
    expect(record).toMatchObject({ clientId: publicKey, project: 'shop', proxy: 'keyed' });
    expect(verifySecret(record.secretVerifier, secretKey)).toBe(true);
    const keys = { publicKey: 'renamed-client', secretKey: secretText() };
    await plane.done('PATCH', '/projects/shop/apiProxies/keyed/settings/keys/', keys);
    const renamed = await until('the renamed record', () => clientOf('renamed-client'));
    expect(verifySecret(renamed.secretVerifier, keys.secretKey)).toBe(true);
    await until('the old record is gone', async () => (await clientOf(publicKey)) === undefined);
    await plane.done('DELETE', '/projects/shop/apiProxies/keyed/');
    await until('no record is left', async () => (await clientOf('renamed-client')) === undefined);
  });

  it('cannot be opened by a holder of another environment', async () => {
    await plane.done('POST', `${path}/`, credentialBody('bob', secretText()));
    await until('the record', () => recordOf('bob'));
    const stored = await gateway.channel.identity('credential', 'bob');
    const other = await FakeGateway.admitted(plane.redis, await plane.environment());
    expect(stored?.sealed).toMatch(/^s1\./);
    await other.channel.putIdentity({ ...stored!, version: 1_000_000 });
    expect(await other.identity('credential', 'bob')).toBeUndefined();
  });
});

describe('a secret', () => {
  interface Used {
    /** Every secret that was sent or shown. */
    readonly secrets: readonly string[];
    /** Answers that show one by right. */
    readonly showing: readonly string[];
  }

  /** The test's Redis, entered by a user of its own with a password. */
  async function redisUrlWith(redisPassword: string): Promise<string> {
    await plane.redis.call('ACL', 'SETUSER', 'environment', 'on', `>${redisPassword}`, '~*', '&*', '+@all');
    const url = new URL(testRedisUrl());
    return `${url.protocol}//environment:${redisPassword}@${url.host}/`;
  }

  async function useEverySecret(): Promise<Used> {
    const [password, changed, key] = [secretText(), secretText(), secretText()];
    const [value, perEnvironment] = [secretText(), secretText()];
    const redisPassword = secretText();
    const made = await plane.environment({ redisUrl: await redisUrlWith(redisPassword) });
    await plane.done('POST', '/projects/shop/credentials/', credentialBody('carol', password));
    await plane.done('PATCH', '/projects/shop/credentials/carol/', { password: changed });
    const { resultList } = await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody('secretive'));
    const { secretKey } = resultList[0] as { secretKey: string };
    await plane.done('PATCH', '/projects/shop/apiProxies/secretive/settings/keys/', { secretKey: key });
    const variables = '/projects/shop/environmentVariables';
    await plane.done('POST', `${variables}/private.key/`, { global: true, globalValue: value });
    const environmentValueList = [{ environmentName: made.name, value: perEnvironment, visible: false }];
    await plane.done('POST', `${variables}/hidden/`, { environmentValueList });
    const at = '/projects/shop/apiProxies/secretive/policies';
    await plane.done(
      'POST',
      `${at}/issue/`,
      policyBody({ deploy: true, deployTargetEnvironmentNameList: [made.name] }),
    );
    await plane.done('POST', `${at}/check/`, verificationBody({ deploy: true }, 'private.key'));
    await plane.call('POST', '/projects/shop/credentials/', credentialBody('carol', secretText(), { fullName: 1 }));
    await plane.call('POST', '/projects/', `{"name": "${password}`);
    const secrets = [password, changed, key, value, perEnvironment, secretKey, made.gatewayKey, redisPassword];
    return {
      secrets: [...secrets, plane.masterKey.toString('base64'), plane.adminToken],
      showing: [secretKey, made.gatewayKey],
    };
  }

  it('is in no event, table, answer or log line, and not in clear in Redis', async () => {
    const { secrets, showing } = await useEverySecret();
    for (const path of [
      '/projects/',
      '/environments/',
      '/projects/shop/apiProxies/secretive/',
      '/projects/shop/credentials/',
    ]) {
      await plane.call('GET', path);
    }
    for (const path of ['/projects/shop/environmentVariables/', '/projects/shop/environmentVariables/private.key/']) {
      await plane.call('GET', path);
    }
    const dump = await plane.pool.query<{ text: string }>(
      ['events', 'names', 'deployments', 'secrets', 'identity_wishes', 'read_credentials', 'read_environments']
        .map((table) => `select to_jsonb(${table})::text as text from ${table}`)
        .join(' union all '),
    );
    const stored = dump.rows.map(({ text }) => text).join('\n');
    const logged = plane.logLines.join('\n');
    const answered = plane.answers.join('\n');
    const metrics = (await plane.app.inject({ method: 'GET', url: '/metrics' })).body;
    const trail = await auditTrail();
    expect(trail).toContain('"type":"PasswordChanged"');
    for (const secret of secrets) {
      for (const text of [stored, logged, metrics, trail]) expect(text).not.toContain(secret);
      const timesShown = answered.split(secret).length - 1;
      expect(timesShown).toBe(showing.includes(secret) ? 1 : 0);
    }
    expect(await inRedis()).not.toMatch(/s3cret-/);
    expect(plane.logLines.length).toBeGreaterThan(0);
  });

  async function auditTrail(): Promise<string> {
    const headers = { authorization: `Bearer ${plane.adminToken}` };
    return (await plane.app.inject({ method: 'GET', url: '/apiops/audit/events/', headers })).body;
  }

  /** Everything that lies under this control plane's names. */
  async function inRedis(): Promise<string> {
    const ids = await plane.pool.query<{ name: string; id: string }>(
      `select name, entity_id as id from names where kind = 'environment'`,
    );
    const texts: string[] = [];
    for (const { name, id } of ids.rows) {
      for (const key of [
        ...(await plane.redis.keys(`gw:{${name}}:*`)),
        ...(await plane.redis.keys(`gatewarden:deploy-${id}:*`)),
      ]) {
        texts.push(((await plane.redis.dumpBuffer(key)) ?? Buffer.alloc(0)).toString('latin1'), await readable(key));
      }
    }
    expect(texts.length).toBeGreaterThan(0);
    return texts.join('\n');
  }

  async function readable(key: string): Promise<string> {
    if ((await plane.redis.type(key)) !== 'hash') return '';
    return JSON.stringify(await plane.redis.hgetall(key));
  }

  it('that is hidden is never read back, and one that is visible is', async () => {
    const at = '/projects/shop/environmentVariables';
    const values = [{ environmentName: environment.name, value: 'plain', visible: true }];
    await plane.done('POST', `${at}/visible/`, { environmentValueList: values });
    expect((await plane.done('GET', `${at}/visible/`)).resultList[0]).toMatchObject({ environmentValueList: values });
    await plane.done('POST', `${at}/private.visible/`, { environmentValueList: values });
    expect((await plane.done('GET', `${at}/private.visible/`)).resultList[0]).toMatchObject({
      environmentValueList: [{ environmentName: environment.name, value: null, visible: false }],
    });
  });

  it('that is replaced or deleted is destroyed', async () => {
    const at = '/projects/shop/environmentVariables/private.short/';
    const count = async () =>
      Number((await plane.pool.query(`select 1 from secrets where purpose = 'variable'`)).rowCount);
    const before = await count();
    await plane.done('POST', at, { global: true, globalValue: 'one' });
    await plane.done('PUT', at, { global: true, globalValue: 'two' });
    expect(await count()).toBe(before + 1);
    await plane.done('DELETE', at);
    expect(await count()).toBe(before);
  });
});
