import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { generateSigningKey } from '#libs/jwt-engine';
import type { CredentialRecord } from '#libs/policy-contracts';
import { temporaryDirectory } from './config-subscriber/testing/subscriber-rig.ts';
import { credentialOf } from './credentials/testing/credentials-under-test.ts';
import { ask, Rig } from './http-server/testing/rig.ts';
import { ConfiguredGateways, type MemberWishes } from './testing/configured-gateways.ts';
import { RedisRelay } from './testing/redis-relay.ts';

// eslint-disable-next-line no-restricted-syntax -- set by the test run's global setup; this file is in no build
const redisUrl = process.env['TEST_REDIS_URL'];
if (redisUrl === undefined) throw new Error('TEST_REDIS_URL is not set: run the integration project of the tests');

const NOON_MS = Date.UTC(2026, 0, 1, 12);
const at = (ms: number): string => new Date(ms).toISOString();
const KEY = generateSigningKey('HS256');
const POLICY = { type: 'policy-auth-jwt', jwtSignatureAlgorithm: 'HS256', managedFromThisPolicy: false };

/** As `/credential/jwt` issues it. */
const tokenOf = (proxy: string, clientId = 'billing', subject = clientId): Promise<string> =>
  new SignJWT({ client_id: clientId, jti: `~${randomUUID()}` })
    .setProtectedHeader({ alg: 'HS256', kid: KEY.keyId, typ: 'at+jwt' })
    .setIssuer('https://gatewarden/test')
    .setAudience(`urn:gatewarden:shop/${proxy}`)
    .setSubject(subject)
    .setIssuedAt(NOON_MS / 1_000)
    .sign(Buffer.from(KEY.jwk['k'] as string, 'base64url'));

describe('a credential in ACL mode, at every gateway', () => {
  const relay = new RedisRelay(redisUrl);
  const directory = temporaryDirectory();
  const rig = new Rig();
  const near: MemberWishes = { id: 'edge-1' };
  let far: MemberWishes;
  let gateways: ConfiguredGateways;

  beforeAll(async () => {
    await relay.open();
    far = { id: 'edge-2', settings: { redisUrl: relay.url, snapshotDir: directory.path } };
    gateways = await ConfiguredGateways.start(redisUrl, NOON_MS, [near, far]);
    const upstream = await rig.upstream((request, response) => response.end(request.headers['x-authenticated-userid']));
    const published = (proxy: string, policy: object = {}) => ({
      ...{ proxy, addresses: [upstream.url], signingKeys: { Login: { signing: KEY.jwk, verification: [] } } },
      pipelines: { request: [{ name: 'Login', policy: { ...POLICY, addUserToHeader: true, ...policy } }] },
    });
    const bounded = { revocationCheck: 'boundedStale', revocationStaleSeconds: 3_600 };
    await gateways.publish([published('orders'), published('stock'), published('strict', bounded)]);
  });
  afterAll(async () => {
    await gateways.stop();
    await rig.stop();
    await relay.cut();
    directory.remove();
  });

  const call = async (id: string, proxy: string, clientId?: string, subject?: string): Promise<number> => {
    const headers = { authorization: `Bearer ${await tokenOf(proxy, clientId, subject)}` };
    return (await ask({ port: gateways.port(id), path: `/${proxy}/7`, headers })).status;
  };
  const answers = (proxy = 'orders', clientId?: string): Promise<number[]> =>
    Promise.all(gateways.ids.map((id) => call(id, proxy, clientId)));
  /** Ends when every gateway answers so. */
  const untilAll = async (status: number, proxy = 'orders', clientId?: string): Promise<void> => {
    while ((await answers(proxy, clientId)).some((found) => found !== status));
  };
  const toAll = (...proxies: string[]): CredentialRecord['access'] =>
    proxies.map((proxy) => ({ project: 'shop', proxy, expiresAt: null }));
  const tell = (change: Partial<CredentialRecord> | null, username = 'billing'): Promise<void> =>
    gateways.tell(
      'credential',
      username,
      change === null ? null : credentialOf(username, { access: toAll('orders', 'strict'), ...change }),
    );

  it('is nobody before there is one, and is let in without a deployment once there is', async () => {
    expect(await answers()).toEqual([401, 401]);
    await tell({});
    await untilAll(200);
    expect(await answers('stock')).toEqual([401, 401]);
  });

  it.each<[string, Partial<CredentialRecord> | null]>([
    ['disabled', { enabled: false }],
    ['expired', { expiresAt: at(NOON_MS) }],
    ['removed', null],
    ['without access any more', { access: toAll('stock') }],
    ['with access that has expired', { access: [{ project: 'shop', proxy: 'orders', expiresAt: at(NOON_MS) }] }],
    ['from an address that is not on its list', { ipList: ['192.0.2.0/24'] }],
  ])('is refused when it is %s, and let in when it comes back', async (_what, change) => {
    await tell(change);
    await untilAll(401);
    await tell({ ipList: ['127.0.0.0/8', '::1'] });
    await untilAll(200);
  });

  it('is refused from the moment that it, or its access, expires', async () => {
    await tell({ access: [{ project: 'shop', proxy: 'stock', expiresAt: at(NOON_MS + 1) }] });
    await untilAll(200, 'stock');
    await tell({ access: toAll('orders', 'strict'), expiresAt: at(NOON_MS + 2) });
    await untilAll(200);
    gateways.nowMs = NOON_MS + 2;
    expect(await answers()).toEqual([401, 401]);
    await tell({});
    await untilAll(200);
  });

  it('lets users in who logged in through it, as long as nothing stands against them', async () => {
    await tell({ access: [] }, 'alice');
    expect(await call('edge-1', 'orders', 'billing', 'alice')).toBe(200);
    await tell({ enabled: false, access: [] }, 'alice');
    while ((await call('edge-1', 'orders', 'billing', 'alice')) === 200);
    expect(await call('edge-1', 'orders')).toBe(200);
  });

  it('counts in metrics', async () => {
    expect(await gateways.metric('edge-1', 'gatewarden_known_credentials')).toEqual(['gatewarden_known_credentials 2']);
    const reads = await gateways.metric('edge-1', 'gatewarden_credential_reads_total');
    expect(reads).toEqual(
      expect.arrayContaining([
        'gatewarden_credential_reads_total{outcome="absent"} 1',
        'gatewarden_credential_reads_total{outcome="found"} 1',
      ]),
    );
  });

  describe('without Redis', () => {
    beforeAll(async () => {
      await tell({ enabled: false }, 'eve');
      await untilAll(401, 'orders', 'eve');
      await tell({}, 'dora');
      await relay.cut();
    });
    afterAll(() => relay.open());

    const standings = async () => ({
      known: await call('edge-2', 'orders'),
      disabled: await call('edge-2', 'orders', 'eve'),
      neverSeen: await call('edge-2', 'orders', 'dora'),
      withoutAccess: await call('edge-2', 'stock'),
    });
    const LAST_KNOWN = { known: 200, disabled: 401, neverSeen: 200, withoutAccess: 401 };

    it('is judged by what was last known of it', async () => {
      expect(await standings()).toEqual(LAST_KNOWN);
      expect(await call('edge-2', 'strict', 'dora')).toBe(503);
      expect(await call('edge-2', 'strict')).toBe(200);
    });

    it('is judged so after a restart too', async () => {
      await gateways.restart(far);
      expect(await standings()).toEqual(LAST_KNOWN);
    });
  });

  it('is judged by what changed meanwhile when Redis is back', async () => {
    await tell({ enabled: false });
    await tell({}, 'eve');
    await untilAll(401);
    await untilAll(200, 'orders', 'eve');
  });
});
