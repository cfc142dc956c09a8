import { Redis } from 'ioredis';
import type { Moment } from '../../../test/support/fault-point.ts';
import { FaultProxy } from '../../../test/support/fault-proxy.ts';
import { NthCommand } from '../../../test/support/nth-command.ts';
import { RedisWire } from '../../../test/support/redis-wire.ts';
import { until } from '../../../test/support/until.ts';
import { ask } from './http-server/testing/rig.ts';
import { RedisRelay } from './testing/redis-relay.ts';
import { secretOf, TokenGateways, USER, type TokenProxy } from './testing/token-gateways.ts';

// eslint-disable-next-line no-restricted-syntax -- set by the test run's global setup; this file is in no build
const redisUrl = process.env['TEST_REDIS_URL'];
if (redisUrl === undefined) throw new Error('TEST_REDIS_URL is not set: run the integration project of the tests');

/** Far more than a token request asks. */
const MOST_COMMANDS = 40;
const LOGIN: TokenProxy = {
  proxy: 'login',
  policy: {
    ...{ jwtSignatureAlgorithm: 'HS256', refreshTokenAllowed: true, refreshTokenCount: 1 },
    // Nobody is late for it, however busy the machine is.
    ...{ refreshTokenGraceSeconds: 300, refreshTokenExpiresInAmount: 1, refreshTokenExpiresInUnit: 'HOURS' },
  },
};

interface Answered {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The token endpoints of one gateway, asked as the client of the proxy. */
class TokenClient {
  constructor(
    private readonly rig: TokenGateways,
    private readonly index: number,
  ) {}

  async post(endpoint: string, form: Readonly<Record<string, string>>): Promise<Answered> {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const all = { client_id: LOGIN.proxy, client_secret: secretOf(LOGIN.proxy), ...form };
    const question = { port: this.port, path: `/auth/${endpoint}`, method: 'POST', headers };
    const answer = await ask({ ...question, body: new URLSearchParams(all).toString() });
    const body = answer.body === '' ? {} : (JSON.parse(answer.body) as Answered['body']);
    return { status: answer.status, retryAfter: answer.headers['retry-after'], body };
  }

  login(): Promise<Answered> {
    return this.post('jwt', { grant_type: 'password', username: USER.name, password: USER.password });
  }

  refresh(token: unknown): Promise<Answered> {
    return this.post('jwt', { grant_type: 'refresh_token', refresh_token: String(token) });
  }

  async apiStatus(token: unknown): Promise<number> {
    const headers = { authorization: `Bearer ${String(token)}` };
    return (await ask({ port: this.port, path: `/${LOGIN.proxy}`, headers })).status;
  }

  private get port(): number {
    return this.rig.gateways.port(this.rig.gateways.ids[this.index] ?? '');
  }
}

const started = async (firstRedisUrl: string): Promise<TokenGateways> => {
  const rig = await TokenGateways.start(redisUrl, [
    { id: 'edge-1', settings: { redisUrl: firstRedisUrl } },
    { id: 'edge-2' },
  ]);
  await rig.publish([LOGIN]);
  await rig.tellUser();
  return rig;
};

describe('the token service of a gateway whose Redis is away', () => {
  const relay = new RedisRelay(redisUrl);
  let rig: TokenGateways;
  let here: TokenClient;
  let elsewhere: TokenClient;

  beforeAll(async () => {
    await relay.open();
    rig = await started(relay.url);
    [here, elsewhere] = [new TokenClient(rig, 0), new TokenClient(rig, 1)];
  });
  afterAll(async () => {
    await rig.stop();
    await relay.cut();
  });

  const away = {
    status: 503,
    retryAfter: expect.stringMatching(/^[1-9]\d*$/) as string,
    body: { error: 'temporarily_unavailable' },
  };

  it.each([
    ['closed', () => relay.cut()],
    ['silent', async () => relay.hang()],
  ])(
    'says so to every token call, lets valid tokens pass, and comes back with what there was (%s)',
    async (_how, takeAway) => {
      const { access_token: token, refresh_token: refreshToken } = (await here.login()).body;
      await takeAway();
      const refused = await Promise.all([
        ...[here.login(), here.refresh(refreshToken)],
        ...[here.post('introspect', { token: String(refreshToken) }), here.post('revoke', { token: String(token) })],
      ]);
      for (const answer of refused) expect(answer).toMatchObject(away);
      expect(await here.apiStatus(token)).toBe(200);
      expect(await here.apiStatus(`${String(token)}A`)).toBe(401);
      await relay.cut();
      await relay.open();
      const again = await until('tokens are given again', async () => {
        const answer = await here.refresh(refreshToken);
        return answer.status === 503 ? undefined : answer;
      });
      expect(again.status).toBe(200);
      expect(await here.apiStatus(again.body['access_token'])).toBe(200);
      // What was answered with 503 was not done: the token to be revoked lives, the login is the only one.
      expect(await elsewhere.apiStatus(token)).toBe(200);
      expect((await elsewhere.refresh(again.body['refresh_token'])).status).toBe(200);
    },
  );
});

describe('a gateway that loses Redis at every command of a request, before it and after it', () => {
  const redis = new Redis(redisUrl);
  const faults = new NthCommand();
  let proxy: FaultProxy;
  let rig: TokenGateways;
  let here: TokenClient;
  let elsewhere: TokenClient;

  beforeAll(async () => {
    proxy = await FaultProxy.before(redisUrl, faults, () => new RedisWire('everything'));
    rig = await started(proxy.url);
    [here, elsewhere] = [new TokenClient(rig, 0), new TokenClient(rig, 1)];
    // Once, so that Redis knows the scripts and no command is sent in two ways.
    await here.refresh((await here.login()).body['refresh_token']);
    await faults.learnIdleness();
  });
  afterAll(async () => {
    await rig.stop();
    await proxy.close();
    redis.disconnect();
  });

  const families = async (): Promise<number> => {
    const keys = await redis.keys(`gw:${rig.gateways.environment}:rt:*:families`);
    return (await Promise.all(keys.map((key) => redis.hlen(key)))).reduce((sum, one) => sum + one, 0);
  };
  /** The first answer that is not about Redis being away. */
  const answered = (request: () => Promise<Answered>): Promise<Answered> =>
    until('the gateway has Redis again', async () => {
      const answer = await request();
      return answer.status === 503 ? undefined : answer;
    });

  async function lostAt(n: number, moment: Moment, request: () => Promise<Answered>) {
    const struck = faults.armNth(n, moment).then(() => true);
    const asked = request();
    const isMet = await Promise.race([struck, asked.then(() => false)]);
    if (isMet) proxy.cut();
    const answer = await asked;
    faults.release();
    return { isMet, answer };
  }

  it('a refresh is answered with 503, and repeated: one successor, whichever gateway is asked', async () => {
    const wrong: string[] = [];
    const met: string[] = [];
    for (let at = 0; at < 2 * MOST_COMMANDS; at += 1) {
      const [n, moment] = [Math.floor(at / 2) + 1, at % 2 === 0 ? 'before' : 'after'] as const;
      const presented = (await answered(() => here.login())).body['refresh_token'];
      const { isMet, answer } = await lostAt(n, moment, () => here.refresh(presented));
      if (!isMet) {
        expect(answer.status).toBe(200);
        break;
      }
      met.push(`${moment} ${faults.met.at(-1)}`);
      const check = (isRight: boolean, what: string) => void (isRight || wrong.push(`${met.at(-1)}: ${what}`));
      check(answer.body['error'] === 'temporarily_unavailable', `it said ${answer.status}`);
      const [again, there] = [await answered(() => here.refresh(presented)), await elsewhere.refresh(presented)];
      check(again.status === 200, `repeated: ${JSON.stringify(again.body)}`);
      check(again.body['refresh_token'] === there.body['refresh_token'], 'two successors');
      check((await elsewhere.refresh(there.body['refresh_token'])).status === 200, 'the successor is refused');
      check((await families()) === 1, `${await families()} families`);
    }
    expect(wrong).toEqual([]);
    expect(met.filter((name) => name.includes(':rt:')).length).toBeGreaterThanOrEqual(4);
  }, 120_000);

  it('a revocation is never answered with success that it was not, and can be repeated', async () => {
    const wrong: string[] = [];
    for (let at = 0; at < 2 * MOST_COMMANDS; at += 1) {
      const [n, moment] = [Math.floor(at / 2) + 1, at % 2 === 0 ? 'before' : 'after'] as const;
      const { refresh_token: refreshToken, access_token: token } = (await answered(() => here.login())).body;
      const revoke = () => here.post('revoke', { token: String(refreshToken) });
      const { isMet, answer } = await lostAt(n, moment, revoke);
      const place = `${moment} ${faults.met.at(-1)}`;
      if (isMet && answer.status !== 503) wrong.push(`${place}: it said ${answer.status}`);
      if (isMet) await answered(revoke);
      const isOver = async () => (await elsewhere.apiStatus(token)) === 401;
      await until('the access token is refused elsewhere', isOver).catch(() => wrong.push(`${place}: it passes`));
      const after = await elsewhere.refresh(refreshToken);
      if (after.body['error'] !== 'invalid_grant') wrong.push(`${place}: ${JSON.stringify(after.body)}`);
      if (!isMet) break;
    }
    expect(wrong).toEqual([]);
  }, 120_000);
});
