import { createPrivateKey, randomBytes, type JsonWebKey } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { Redis } from 'ioredis';
import { createLocalJWKSet, jwtVerify, SignJWT, type JSONWebKeySet } from 'jose';
import {
  LEASE_MS,
  putIdentity,
  RedisConfigChannel,
  type ChangeRecord,
  type LeaseState,
} from '#libs/config-distribution';
import { prepareEnvironment, type PreparedEnvironment } from '#libs/config-distribution/testing';
import { generateSigningKey } from '#libs/jwt-engine';
import { createPasswordVerifier, createSecretVerifier, parseProxyArtifact } from '#libs/policy-contracts';
import { linkProxy } from '#libs/policy-runtime';
import { TOKEN_CACHE_DEFAULTS } from './config/token-cache-settings.ts';
import type { GatewayConfig } from './config/gateway.config.ts';
import { SnapshotInUse } from './config-subscriber/snapshot/directory-owner.ts';
import { changeFor, temporaryDirectory, tombstoneFor } from './config-subscriber/testing/subscriber-rig.ts';
import { artifactOf, ask, Rig, tokenOf, verifyJwt, type ArtifactWishes } from './http-server/testing/rig.ts';
import { LISTENER_DEFAULTS } from './http-server/listener/listener-settings.ts';
import { DEFAULT_LIMITS } from './http-server/request-limits.ts';
import { UPSTREAM_POOL_LIMITS } from './upstream/upstream-pool.ts';
import { CannotListen } from './listening.ts';
import { CapturedLog } from '#libs/program-shell/testing';
import { startGateway, type RunningGateway } from './start-gateway.ts';
import { RedisRelay } from './testing/redis-relay.ts';
import { until } from '../../../test/support/until.ts';
import { foundInLeases } from './testing/watched-leases.ts';

// eslint-disable-next-line no-restricted-syntax -- set by the test run's global setup; this file is in no build
const redisUrl = process.env['TEST_REDIS_URL'];
if (redisUrl === undefined) throw new Error('TEST_REDIS_URL is not set: run the integration project of the tests');

const HOUR_SECONDS = 3_600;
const inAnHour = (): number => Math.floor(Date.now() / 1_000) + HOUR_SECONDS;

describe('a gateway', () => {
  const environment = `test-${randomBytes(6).toString('hex')}`;
  const redis = new Redis(redisUrl);
  const channel = new RedisConfigChannel(redis, environment);
  const relay = new RedisRelay(redisUrl);
  const directory = temporaryDirectory();
  const rig = new Rig();
  const log = new CapturedLog();
  let prepared: PreparedEnvironment;
  let upstreamUrl: string;
  let gateway: RunningGateway;
  let deployment = 0;

  const configOf = (changes: Partial<GatewayConfig> = {}): GatewayConfig => ({
    environment,
    gatewayKey: prepared.gatewayKey,
    redisUrl: relay.url,
    host: '127.0.0.1',
    port: 0,
    adminHost: '127.0.0.1',
    adminPort: 0,
    rootContext: '',
    gatewayId: 'gateway-1',
    snapshotDir: directory.path,
    trustedProxies: [],
    drainTimeoutMs: 5_000,
    jwksAllowPrivateHosts: false,
    jwksStaleLimitSeconds: 86_400,
    tokenCache: TOKEN_CACHE_DEFAULTS,
    upstreamLimits: UPSTREAM_POOL_LIMITS,
    upstreamFiles: {},
    loginFailuresPerUser: 10,
    loginFailuresPerAddress: 100,
    loginBlockSeconds: 300,
    passwordChecksWaiting: 64,
    limits: DEFAULT_LIMITS,
    listener: LISTENER_DEFAULTS,
    addsForwarded: false,
    faultCodes: 'documented',
    logLevel: 'debug',
    ...changes,
  });
  const start = async (changes: Partial<GatewayConfig> = {}): Promise<void> => {
    gateway = await startGateway(configOf(changes), log.logger);
  };

  const call = (path: string, token?: string) =>
    ask({
      port: gateway.trafficPort,
      path,
      ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
    });
  const admin = (path: string) => ask({ port: gateway.adminPort, path });
  const metric = async (name: string): Promise<string | undefined> =>
    (await admin('/metrics')).body
      .split('\n')
      .find((line) => line.startsWith(name))
      ?.split(' ')
      .at(-1);

  const readiness = async (): Promise<{ code: number; reason?: string }> => {
    const { status: code, body } = await admin('/readyz');
    return { code, ...(JSON.parse(body) as object) };
  };
  /** As whoever balances the load asks. */
  const untilReady = async (): Promise<void> => {
    while ((await admin('/readyz')).status !== 200);
  };

  /** Waits for the answer of the gateway. */
  const leaseWhere = (isIt: (lease: LeaseState) => boolean): Promise<LeaseState> =>
    foundInLeases(channel, prepared, (leases) => leases.find(isIt));

  const artifactText = (change: ChangeRecord, wishes: Partial<ArtifactWishes>): string =>
    JSON.stringify({
      ...artifactOf({ addresses: [upstreamUrl], proxy: change.proxy, ...wishes }),
      environment: { name: environment, tokenIssuer: 'https://issuer.example', expiresInUnit: 'SECONDS' },
    });
  async function publish(change: ChangeRecord, wishes?: Partial<ArtifactWishes>): Promise<LeaseState> {
    await prepared.publisher.publish(change, wishes === undefined ? null : artifactText(change, wishes));
    return leaseWhere(({ handled, rejected }) =>
      [...handled, ...rejected.map((one) => one.deployment)].includes(change.deployment),
    );
  }
  const deploy = (proxy: string, wishes: Partial<ArtifactWishes> = {}) => {
    deployment += 1;
    return publish(changeFor(proxy, deployment), { paths: [`/${proxy}`], ...wishes });
  };
  const undeploy = (proxy: string) => {
    deployment += 1;
    return publish(tombstoneFor(proxy, deployment));
  };

  beforeAll(async () => {
    prepared = await prepareEnvironment(channel, environment);
    await relay.open();
    const upstream = await rig.upstream((request, response) => {
      response.end(JSON.stringify({ url: request.url, subject: request.headers['x-subject'] }));
    });
    upstreamUrl = upstream.url;
    await start();
  });
  afterAll(async () => {
    await gateway.stop();
    await rig.stop();
    await relay.cut();
    const keys = await redis.keys(`*${environment}*`);
    if (keys.length > 0) await redis.del(...keys);
    redis.disconnect();
    directory.remove();
  });

  // The tests are one story of one gateway: each goes on where the one before ended.
  it('lives but is not ready while its environment has no configuration', async () => {
    expect((await admin('/healthz')).status).toBe(200);
    const reason = 'no configuration of the environment was loaded yet';
    await until('it has looked', async () => (await readiness()).reason === reason);
    expect(await readiness()).toEqual({ code: 503, status: 'not ready', reason });
    expect((await call('/orders')).status).toBe(503);
    expect((await call('/auth/.well-known/jwks.json')).status).toBe(503);
    expect((await ask({ port: gateway.trafficPort, path: '/auth/jwt', method: 'POST' })).status).toBe(400);
  });

  it('is ready with an empty configuration', async () => {
    await prepared.publisher.publishEmpty();
    await leaseWhere(({ loaded }) => loaded !== null);
    await untilReady();
    expect(JSON.parse((await admin('/config')).body)).toEqual({ environment, deployment: 0, proxies: [] });
    expect((await call('/orders')).status).toBe(404);
  });

  it('passes a good token to the upstream and refuses a bad one', async () => {
    const policy = verifyJwt('check', {
      forwardVariables: [{ variable: 'jwt.check.claim.subject', header: 'x-subject' }],
    });
    await deploy('orders', { pipelines: { request: [policy] } });
    const good = await call('/orders/7?x=1', tokenOf({ sub: 'ann', exp: inAnHour() }));
    expect([good.status, JSON.parse(good.body)]).toEqual([200, { url: '/7?x=1', subject: 'ann' }]);
    const expired = await call('/orders/7', tokenOf({ sub: 'ann', exp: 1 }));
    expect([expired.status, expired.body]).toEqual([401, expect.stringContaining('steps.jwt.TokenExpired')]);
    expect((await call('/orders/7')).status).toBe(401);
  });

  it('applies a change without a restart and says what it serves', async () => {
    const policy = verifyJwt('check', { issuer: 'https://idp.example' });
    await deploy('orders', { pipelines: { request: [policy] } });
    expect((await call('/orders', tokenOf({ exp: inAnHour() }))).status).toBe(401);
    expect((await call('/orders', tokenOf({ iss: 'https://idp.example', exp: inAnHour() }))).status).toBe(200);
    expect(JSON.parse((await admin('/config')).body)).toEqual({
      environment,
      deployment: 2,
      proxies: [{ project: 'shop', name: 'orders', revision: 1, deployment: 2, hash: 'hash-2' }],
    });
  });

  it('rejects what it cannot apply and serves on', async () => {
    const lease = await deploy('orders', { pipelines: { request: [verifyJwt('check', { condition: '((' })] } });
    expect(lease.rejected).toMatchObject([
      { deployment: 3, reason: expect.stringContaining('policy check') as string },
    ]);
    expect((await call('/orders', tokenOf({ iss: 'https://idp.example', exp: inAnHour() }))).status).toBe(200);
    expect(await metric('gatewarden_rejected_deployments')).toBe('1');
  });

  it('issues tokens for a client and a user that were never deployed, and refreshes them', async () => {
    const signing = { kty: 'oct', k: randomBytes(32).toString('base64url'), kid: 'k1', alg: 'HS256' };
    const issuing = {
      type: 'policy-auth-jwt',
      managedFromThisPolicy: true,
      grantType: 'PASSWORD',
      jwtSignatureAlgorithm: 'HS256',
      tokenNeverExpires: false,
      tokenExpiresInAmount: 5,
      tokenExpiresInUnit: 'MINUTES',
      refreshTokenAllowed: true,
    };
    await deploy('login', {
      pipelines: { request: [{ name: 'issue', policy: issuing }] },
      signingKeys: { issue: { signing, verification: [] } },
    });
    const clientRecord = { clientId: 'c1', project: 'shop', proxy: 'login', proxyId: 'id-of-login' };
    const content = { ...clientRecord, secretVerifier: createSecretVerifier('s3cret') };
    await putIdentity(channel, prepared.keys, { kind: 'client', subject: 'c1', version: 1, content });
    const user = { username: 'ann', project: 'shop', enabled: true, expiresAt: null, roles: [] };
    const passwordVerifier = await createPasswordVerifier('pa55');
    const ann = { ...user, passwordVerifier, passwordId: 'password-1' };
    await putIdentity(channel, prepared.keys, { kind: 'credential', subject: 'ann', version: 1, content: ann });
    const token = async (parameters: Record<string, string>) => {
      const body = new URLSearchParams({ client_id: 'c1', client_secret: 's3cret', ...parameters }).toString();
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const answer = await ask({ port: gateway.trafficPort, path: '/auth/jwt', method: 'POST', headers, body });
      const members = JSON.parse(answer.body) as Record<string, string | undefined>;
      return { ...members, status: answer.status } as Record<string, unknown> & {
        access_token?: string;
        refresh_token?: string;
      };
    };
    const login = await token({ grant_type: 'password', username: 'ann', password: 'pa55' });
    expect(login).toMatchObject({ status: 200, token_type: 'Bearer', expires_in: 300 });
    expect((await call('/login', login.access_token)).status).toBe(200);
    expect((await call('/login', tokenOf({ sub: 'ann' }))).status).toBe(401);
    const refreshed = await token({ grant_type: 'refresh_token', refresh_token: login.refresh_token ?? '' });
    expect(refreshed.status).toBe(200);
    expect((await call('/login', refreshed.access_token)).status).toBe(200);
    const changed = {
      kind: 'credential',
      subject: 'ann',
      version: 2,
      content: { ...ann, passwordId: 'password-2' },
    } as const;
    await putIdentity(channel, prepared.keys, changed);
    const ended = await token({ grant_type: 'refresh_token', refresh_token: refreshed.refresh_token ?? '' });
    expect(ended).toMatchObject({ status: 400, error: 'invalid_grant' });
    const wrong = await token({ grant_type: 'password', username: 'ann', password: 'wrong' });
    expect(wrong).toMatchObject({ status: 400, error: 'invalid_grant' });
    for (const secret of ['s3cret', 'pa55', login.access_token, login.refresh_token]) {
      expect(log.text).not.toContain(secret);
    }
    await undeploy('login');
  });

  it('publishes the keys that tokens of its live policies are verified with, while they are live', async () => {
    const [signing, next] = [generateSigningKey('RS256').jwk, generateSigningKey('RS256').jwk];
    const issuing = { type: 'policy-auth-jwt', managedFromThisPolicy: false, jwtSignatureAlgorithm: 'RS256' };
    await deploy('signed', {
      pipelines: { request: [{ name: 'issue', policy: issuing }] },
      signingKeys: { issue: { signing, verification: [next] } },
    });
    const path = '/credential/.well-known/jwks.json';
    const { status, headers, body } = await call(path);
    expect([status, headers['content-type']]).toEqual([200, 'application/jwk-set+json']);
    const published = createLocalJWKSet(JSON.parse(body) as JSONWebKeySet);
    for (const jwk of [signing, next]) {
      const header = { alg: 'RS256', kid: jwk['kid'] as string };
      const token = await new SignJWT({ sub: 'ann' })
        .setProtectedHeader(header)
        .sign(createPrivateKey({ key: jwk as JsonWebKey, format: 'jwk' }));
      expect((await jwtVerify(token, published)).payload).toEqual({ sub: 'ann' });
    }
    const head = await ask({ port: gateway.trafficPort, path, method: 'HEAD' });
    expect([head.status, head.headers['content-length'], head.body]).toEqual([200, String(body.length), '']);
    expect((await call('/auth/.well-known/jwks.json')).body).toBe('{"keys":[]}');
    await undeploy('signed');
    expect((await call(path)).body).toBe('{"keys":[]}');
  });

  it('removes a proxy with its tombstone', async () => {
    await deploy('stock');
    expect((await call('/stock')).status).toBe(200);
    await undeploy('stock');
    expect((await call('/stock')).status).toBe(404);
  });

  it('counts what it did', async () => {
    const text = (await admin('/metrics')).body;
    expect(text).toContain('gatewarden_requests_total{proxy="shop/orders",status="200",policy="",fault=""}');
    expect(text).toContain(
      'gatewarden_requests_total{proxy="shop/orders",status="401",policy="check",fault="TokenExpired"} 1',
    );
    const login = 'service="auth",endpoint="jwt",grant_type="password",outcome="issued",reason="login"';
    expect(text).toContain(`gatewarden_token_answers_total{${login}} 1`);
    expect(await metric('gatewarden_deployment ')).toBe(String(deployment));
    expect(await metric('gatewarden_redis_up')).toBe('1');
  });

  it('refuses a second process on its snapshot, and a port that is taken, and leaves nothing open', async () => {
    await expect(startGateway(configOf(), log.logger)).rejects.toThrow(SnapshotInUse);
    const other = temporaryDirectory();
    const taken = startGateway(configOf({ snapshotDir: other.path, port: gateway.trafficPort }), log.logger);
    await expect(taken).rejects.toThrow(`port ${gateway.trafficPort} of 127.0.0.1 is taken: set PORT to another one`);
    const errorsBefore = log.at('error').length;
    const adminTaken = startGateway(configOf({ snapshotDir: other.path, adminPort: gateway.adminPort }), log.logger);
    await expect(adminTaken).rejects.toThrow(CannotListen);
    // The caller says it, in one line.
    expect(log.at('error')).toHaveLength(errorsBefore);
    await startGateway(configOf({ snapshotDir: other.path, gatewayId: 'gateway-2' }), log.logger).then((one) =>
      one.stop(),
    );
    other.remove();
  });

  const good = () => tokenOf({ iss: 'https://idp.example', exp: inAnHour() });

  it('lets no token pass a policy that insists on knowing revoked ones while Redis is away', async () => {
    const signing = { kty: 'oct', k: randomBytes(32).toString('base64url'), kid: 'k1', alg: 'HS256' };
    const policy = { type: 'policy-auth-jwt', jwtSignatureAlgorithm: 'HS256' };
    const strict = [
      { name: 'live', policy: { ...policy, revocationCheck: 'closed' } },
      { name: 'recent', policy: { ...policy, revocationCheck: 'boundedStale', revocationStaleSeconds: 3_600 } },
    ] as const;
    const environmentOfToken = { name: environment, tokenIssuer: 'https://issuer.example', expiresInUnit: 'SECONDS' };
    const tokens: string[] = [];
    for (const { name, policy: member } of strict) {
      const wishes: Partial<ArtifactWishes> = {
        paths: [`/${name}`],
        pipelines: { request: [{ name, policy: member }] },
        signingKeys: { [name]: { signing, verification: [] } },
      };
      await deploy(name, wishes);
      const own = {
        ...artifactOf({ addresses: [upstreamUrl], proxy: name, ...wishes }),
        environment: environmentOfToken,
      };
      const parsed = parseProxyArtifact(own);
      const linked = parsed.ok ? linkProxy(parsed.value, { faultCodes: 'documented' }) : undefined;
      const issuer = linked?.ok === true ? linked.proxy.issuers[0] : undefined;
      tokens.push(issuer?.issueAccessToken({ sub: 'ann', client_id: 'c', jti: 'j' }, Date.now()).token ?? '');
    }
    const [live = '', recent = ''] = tokens;
    expect([(await call('/live', live)).status, (await call('/recent', recent)).status]).toEqual([200, 200]);
    await relay.cut();
    // The end of a connection reaches the gateway a moment after it was cut.
    let refused = await call('/live', live);
    while (refused.status === 200) refused = await call('/live', live);
    expect([refused.status, refused.body]).toEqual([503, expect.stringContaining('GWD-015')]);
    expect((await call('/live')).status).toBe(401);
    expect((await call('/recent', recent)).status).toBe(200);
    await relay.open();
    await undeploy('live');
    await undeploy('recent');
  });

  it('serves on while Redis is away, says that tokens cannot be issued, and catches up', async () => {
    await relay.cut();
    expect((await call('/orders', good())).status).toBe(200);
    expect((await call('/orders', tokenOf({}))).status).toBe(401);
    const body = 'grant_type=password&client_id=c1&client_secret=s3cret&username=a&password=b';
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const token = await ask({ port: gateway.trafficPort, path: '/auth/jwt', method: 'POST', headers, body });
    expect([token.status, JSON.parse(token.body)]).toEqual([
      503,
      expect.objectContaining({ error: 'temporarily_unavailable' }),
    ]);
    expect((await admin('/readyz')).status).toBe(200);
    deployment += 1;
    const published = deployment;
    const artifact = artifactOf({ addresses: [upstreamUrl], proxy: 'late', paths: ['/late'] });
    const text = JSON.stringify({ ...artifact, environment: { ...artifact.environment, name: environment } });
    await prepared.publisher.publish(changeFor('late', published), text);
    await relay.open();
    await leaseWhere(({ handled }) => handled.includes(published));
    expect((await call('/late')).status).toBe(200);
  });

  it('restarts from its snapshot without Redis and serves the same', async () => {
    const before = (await admin('/config')).body;
    await gateway.stop();
    await relay.cut();
    await start();
    expect((await admin('/readyz')).status).toBe(200);
    expect((await admin('/config')).body).toBe(before);
    expect((await call('/orders', good())).status).toBe(200);
    expect((await call('/orders')).status).toBe(401);
    expect((await call('/stock')).status).toBe(404);
    expect(await metric('gatewarden_redis_up')).toBe('0');
  });

  it('does not go back when Redis lost everything, and follows what is published then', async () => {
    const keys = await redis.keys(`gw:{${environment}}:*`);
    await redis.del(...keys);
    await prepared.admit();
    await prepared.publisher.publish(changeFor('orders', 1), 'an old artifact');
    await relay.open();
    await leaseWhere(({ loaded }) => loaded !== null);
    expect((await call('/orders', good())).status).toBe(200);
    expect((await call('/orders')).status).toBe(401);
    await deploy('orders');
    expect((await call('/orders')).status).toBe(200);
  });

  it('lets a request in flight finish when it stops, and gives its lease back', async () => {
    let finish = (): void => undefined;
    const arrived = new Promise<void>((resolve) => {
      void rig
        .upstream((_request, response) => {
          finish = () => response.end('finished');
          resolve();
        })
        .then(({ url }) => deploy('slow', { addresses: [url] }))
        .then(() => (answer = call('/slow')));
    });
    let answer: ReturnType<typeof call> | undefined;
    await arrived;
    const stopped = gateway.stop();
    finish();
    expect((await answer)?.body).toBe('finished');
    await stopped;
    expect(await channel.leases()).toEqual([]);
    expect(LEASE_MS).toBeGreaterThan(1_000);
    await start();
    await untilReady();
  });

  it('is not ready before it has seen what was published while it was down', async () => {
    await gateway.stop();
    deployment += 1;
    const change = changeFor('late', deployment);
    await prepared.publisher.publish(change, artifactText(change, { paths: ['/late'] }));
    relay.hold();
    await start();
    expect(await readiness()).toMatchObject({ code: 503, reason: 'Redis was not looked at yet' });
    relay.release();
    await untilReady();
    expect((await call('/late')).status).toBe(200);
  });

  it('reports what it turns away because there is too much at once', async () => {
    await gateway.stop();
    await start({ limits: { ...DEFAULT_LIMITS, maxConnections: 1 } });
    const open = () => connect(gateway.trafficPort, '127.0.0.1').on('error', () => undefined);
    const [first, second] = [open(), open()];
    await once(second, 'close');
    expect(await metric('gatewarden_reports_total{problem="overload"}')).toBe('1');
    expect(log.lines).toContainEqual(expect.objectContaining({ level: 'warn', reason: 'connections' }));
    first.destroy();
  });
});
