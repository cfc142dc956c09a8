import { Redis } from 'ioredis';
import { equalMembers } from './testing/configured-gateways.ts';
import { RedisRelay } from './testing/redis-relay.ts';
import { secretOf, TokenGateways, USER, type TokenProxy } from './testing/token-gateways.ts';

// eslint-disable-next-line no-restricted-syntax -- set by the test run's global setup; this file is in no build
const redisUrl = process.env['TEST_REDIS_URL'];
if (redisUrl === undefined) throw new Error('TEST_REDIS_URL is not set: run the integration project of the tests');

const LOGIN: TokenProxy = {
  proxy: 'login',
  policy: {
    ...{ jwtSignatureAlgorithm: 'HS256', allowUrlParameters: true, refreshTokenGraceSeconds: 0 },
    ...{ refreshTokenAllowed: true, refreshTokenExpiresInAmount: 1, refreshTokenExpiresInUnit: 'HOURS' },
  },
};
const LIMITS = { loginFailuresPerUser: 3, loginFailuresPerAddress: 12 };
const TRUSTING = { trustedProxies: ['127.0.0.1'] };

interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly body: Readonly<Record<string, unknown>>;
}
type Form = Readonly<Record<string, string>>;

describe('failed logins at running gateways', () => {
  const relay = new RedisRelay(redisUrl);
  const redis = new Redis(redisUrl);
  let rig: TokenGateways;
  /** Every secret that anybody sent or was given. */
  const secrets = new Set<string>();
  let addresses = 0;
  const newAddress = (): string => `198.51.100.${(addresses += 1)}`;

  beforeAll(async () => {
    await relay.open();
    const settings = { ...LIMITS, ...TRUSTING };
    const members = [...equalMembers(2, settings), { id: 'relayed', settings: { ...settings, redisUrl: relay.url } }];
    rig = await TokenGateways.start(redisUrl, members);
    await rig.publish([LOGIN]);
    for (const username of [USER.name, 'bob', 'carol']) await rig.tellUser({ username });
  });
  afterAll(async () => {
    await rig.stop();
    await relay.cut();
    redis.disconnect();
  });

  const read = async (response: Response): Promise<Answer> => {
    const text = await response.text();
    const body = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
    for (const name of ['access_token', 'refresh_token']) {
      if (typeof body[name] === 'string') keepSecret(body[name]);
    }
    return { status: response.status, retryAfter: response.headers.get('retry-after'), body };
  };
  const keepSecret = (text: string): void => {
    // Whole and in parts: the signature of a token, the random part of another.
    for (const part of [text, ...text.split('.')]) if (part.length > 5) secrets.add(part);
  };
  const post = async (gateway: number, path: string, form: Form, from: string): Promise<Answer> => {
    for (const name of ['password', 'client_secret', 'token', 'refresh_token']) keepSecret(form[name] ?? '');
    const client = { client_id: 'login', client_secret: secretOf('login') };
    keepSecret(client.client_secret);
    const body = new URLSearchParams({ ...client, ...form });
    const headers = { 'X-Forwarded-For': from };
    return read(await fetch(`${rig.origin(gateway)}${path}`, { method: 'POST', body, headers }));
  };
  const login = (gateway: number, form: Form, from: string): Promise<Answer> =>
    post(gateway, '/auth/jwt', { grant_type: 'password', username: 'bob', password: USER.password, ...form }, from);

  it('are beside a count of live logins, which no reader of metrics waits for', async () => {
    const families = () => rig.gateways.metric('edge-1', 'gatewarden_refresh_families ');
    expect(await families()).toEqual([]);
    // Redis answers in the order of asking: when this is answered, the count is there.
    expect((await login(0, {}, newAddress())).status).toBe(200);
    expect(await families()).toEqual(['gatewarden_refresh_families 0']);
  });

  it('are counted for all gateways, and refused at each of them for a time', async () => {
    const from = newAddress();
    for (const gateway of [0, 1, 0]) {
      expect(await login(gateway, { password: 'wrong password' }, from)).toMatchObject({ status: 400 });
    }
    for (const gateway of [0, 1]) {
      const blocked = await login(gateway, {}, from);
      expect(blocked).toMatchObject({ status: 429, body: { error: 'temporarily_unavailable' } });
      expect(Number(blocked.retryAfter)).toBeGreaterThan(290);
    }
    expect((await login(1, {}, newAddress())).status).toBe(200);
  });

  it('tell Redis neither who it was nor from where', async () => {
    const from = newAddress();
    await login(0, { username: 'carol', password: 'wrong password' }, from);
    const keys = await redis.keys(`gw:${rig.gateways.environment}:login-failures:*`);
    expect(keys.length).toBeGreaterThan(1);
    expect(keys.join()).not.toMatch(/carol|\bbob\b|198\.51/);
  });

  it('are neither checked nor answered otherwise than right ones while Redis is away', async () => {
    const from = newAddress();
    await relay.cut();
    for (const form of [{}, { password: 'wrong password' }, { username: 'nobody' }]) {
      expect(await login(2, form, from)).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } });
    }
    await relay.open();
    expect((await login(0, {}, from)).status).toBe(200);
  });

  it('leave no secret in logs and metrics, and neither does any other token request', async () => {
    const from = newAddress();
    const given = await login(0, { username: USER.name }, from);
    const refresh_token = String(given.body['refresh_token']);
    const refresh = (form: Form = {}) =>
      post(0, '/auth/jwt', { grant_type: 'refresh_token', refresh_token, ...form }, from);
    const again = await refresh();
    for (const path of ['/auth/introspect', '/auth/revoke']) {
      for (const token of [given.body['access_token'], again.body['refresh_token'], 'no token at all']) {
        await post(0, path, { token: String(token) }, from);
        await post(0, path, { token: String(token), client_secret: 'wrong secret of a client' }, from);
      }
    }
    // Reuse of a token, of one that never was, and of one that somebody altered.
    const other = await login(0, { username: USER.name }, from);
    const reused = { refresh_token: String(other.body['refresh_token']) };
    for (let n = 0; n < 3; n += 1) await refresh(reused);
    await refresh({ refresh_token: `${reused.refresh_token.slice(0, -4)}AAAA` });
    // A password in the wrong field, in a URL, in a Basic header, twice.
    await login(0, { username: 'typed password', password: 'wrong password' }, from);
    secrets.add('typed password');
    const query = new URLSearchParams({ grant_type: 'password', client_id: 'login', username: USER.name });
    query.set('client_secret', secretOf('login'));
    query.set('password', USER.password);
    await read(await fetch(`${rig.origin()}/auth/jwt?${query.toString()}`, { headers: { 'X-Forwarded-For': from } }));
    await login(0, { grant_type: 'typed grant' }, from);
    await login(0, { scope: 'typed scope' }, from);
    await login(0, { client_id: 'typed client' }, from);
    for (const text of ['typed grant', 'typed scope', 'typed client']) secrets.add(text);
    for (const password of [USER.password, 'wrong password']) {
      const authorization = `Basic ${Buffer.from(`${USER.name}:${password}`).toString('base64')}`;
      secrets.add(authorization.slice('Basic '.length));
      const headers = { authorization, 'X-Forwarded-For': from };
      const body = new URLSearchParams({ grant_type: 'client_credentials' });
      await read(await fetch(`${rig.origin()}/credential/jwt`, { method: 'POST', body, headers }));
    }
    for (let n = 0; n < 5; n += 1) await login(0, { username: USER.name, password: 'wrong password' }, from);
    const bearer = { headers: { authorization: `Bearer ${String(given.body['access_token'])}` } };
    await (await fetch(`${rig.origin()}/login/7`, bearer)).text();

    const metrics = (await Promise.all(rig.gateways.ids.map((id) => rig.gateways.metric(id, '')))).flat().join('\n');
    expect(rig.gateways.log.lines.map(({ reason }) => reason)).toEqual(
      expect.arrayContaining(['login', 'rotated', 'refresh-token-reused', 'wrong-password', 'login-blocked']),
    );
    expect(metrics).toMatch(/gatewarden_token_alarms_total\{alarm="refresh-token-reused"\} [1-9]/);
    expect(metrics).toContain('gatewarden_logins_blocked_total{kind="password"}');
    expect(secrets.size).toBeGreaterThan(20);
    const told = rig.gateways.log.text + metrics;
    expect([...secrets].filter((secret) => told.includes(secret) || told.includes(encodeURIComponent(secret)))).toEqual(
      [],
    );
  });
});
