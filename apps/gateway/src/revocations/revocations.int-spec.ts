import { Redis } from 'ioredis';
import { decodeJwt } from 'jose';
import type { TokenRevocation } from '#libs/token-revocations';
import { temporaryDirectory } from '../config-subscriber/testing/subscriber-rig.ts';
import type { MemberWishes } from '../testing/configured-gateways.ts';
import { secretOf, TokenGateways, USER } from '../testing/token-gateways.ts';

// eslint-disable-next-line no-restricted-syntax -- set by the test run's global setup; this file is in no build
const redisUrl = process.env['TEST_REDIS_URL'];
if (redisUrl === undefined) throw new Error('TEST_REDIS_URL is not set: run the integration project of the tests');

const HOUR_MS = 3_600_000;
const PROXY = 'orders';
const REFRESH_TOKENS = {
  refreshTokenAllowed: true,
  refreshTokenExpiresInAmount: 1,
  refreshTokenExpiresInUnit: 'HOURS',
};

interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

describe('revoked tokens at three gateways', () => {
  const redis = new Redis(redisUrl);
  const directories = [temporaryDirectory(), temporaryDirectory(), temporaryDirectory()];
  const members: readonly MemberWishes[] = directories.map(({ path }, index) => ({
    id: `edge-${index + 1}`,
    settings: { snapshotDir: path },
  }));
  let tokens: TokenGateways;
  beforeAll(async () => {
    tokens = await TokenGateways.start(redisUrl, members);
    const policy = { jwtSignatureAlgorithm: 'HS256', grantType: 'PASSWORD', ...REFRESH_TOKENS } as const;
    await tokens.publish([{ proxy: PROXY, policy }]);
    await tokens.tellUser();
  });
  afterAll(async () => {
    await tokens.stop();
    redis.disconnect();
    for (const directory of directories) directory.remove();
  });

  const authorization = `Basic ${btoa(`${PROXY}:${encodeURIComponent(secretOf(PROXY))}`)}`;
  const post = (at: number, path: string, form: Readonly<Record<string, string>>): Promise<Response> =>
    fetch(`${tokens.origin(at)}${path}`, {
      method: 'POST',
      headers: { authorization },
      body: new URLSearchParams(form),
    });
  const login = async (at = 0): Promise<Tokens> => {
    const form = { grant_type: 'password', username: USER.name, password: USER.password };
    return (await (await post(at, '/auth/jwt', form)).json()) as Tokens;
  };
  const refresh = (at: number, { refresh_token }: Tokens): Promise<Response> =>
    post(at, '/auth/jwt', { grant_type: 'refresh_token', refresh_token });
  /** What each gateway answers to a call with the token. */
  const statuses = ({ access_token: token }: Tokens): Promise<readonly number[]> =>
    Promise.all(
      tokens.gateways.ids.map(async (_id, at) => {
        const headers = { authorization: `Bearer ${token}` };
        return (await fetch(`${tokens.origin(at)}/${PROXY}`, { headers })).status;
      }),
    );
  const ofUser = (): TokenRevocation => ({
    ...{ by: 'user', value: USER.name },
    issuedUntilSeconds: Math.floor(tokens.gateways.nowMs / 1_000),
    endsAtMs: tokens.gateways.nowMs + HOUR_MS,
  });
  const reports = async (id: string, problem: string): Promise<string | undefined> =>
    (await tokens.gateways.metric(id, `gatewarden_reports_total{problem="${problem}"}`))[0]?.split(' ').at(-1);

  // One story of three gateways: each test goes on where the one before ended.
  let revoked: Tokens;

  it('are refused by all as soon as one revoked them for their client, and others are not', async () => {
    revoked = await login();
    const other = await login();
    expect(await statuses(revoked)).toEqual([200, 200, 200]);
    expect((await post(1, '/auth/revoke', { token: revoked.access_token })).status).toBe(200);
    await tokens.gateways.obeyRevocations();
    expect([await statuses(revoked), await statuses(other)]).toEqual([
      [401, 401, 401],
      [200, 200, 200],
    ]);
    const refused = await tokens.gateways.metric('edge-3', 'gatewarden_revoked_tokens_refused_total');
    expect(refused).toEqual(['gatewarden_revoked_tokens_refused_total 1']);
  });

  it('are those of a login whose refresh token was revoked', async () => {
    const ended = await login(2);
    expect((await post(0, '/auth/revoke', { token: ended.refresh_token })).status).toBe(200);
    await tokens.gateways.obeyRevocations();
    expect([await statuses(ended), (await refresh(1, ended)).status]).toEqual([[401, 401, 401], 400]);
  });

  it('are all of a user, logins included, but what the user gets in that very second', async () => {
    const [before, another] = [await login(), await login(1)];
    await tokens.gateways.revoke([ofUser()]);
    expect(await statuses(before)).toEqual([401, 401, 401]);
    expect((await refresh(1, another)).status).toBe(400);
    const after = await login(2);
    const { iat } = decodeJwt(after.access_token);
    expect(iat).toBe(Math.floor(tokens.gateways.nowMs / 1_000) + 1);
    expect(await statuses(after)).toEqual([200, 200, 200]);
    const refreshed = await refresh(0, after);
    expect(refreshed.status).toBe(200);
    expect(await statuses((await refreshed.json()) as Tokens)).toEqual([200, 200, 200]);
  });

  it('stay refused by a gateway that starts without Redis', async () => {
    const [, , third] = members;
    await tokens.gateways.restart({
      id: 'edge-3',
      settings: { ...third?.settings, redisUrl: 'redis://127.0.0.1:1' },
    });
    expect(await statuses(revoked)).toEqual([401, 401, 401]);
    await tokens.gateways.restart(third as MemberWishes);
    await tokens.gateways.obeyRevocations();
  });

  it('are put back into a Redis that lost them, for gateways that know nothing yet', async () => {
    const keys = await redis.keys(`gw:{${tokens.gateways.environment}}:revocations:*`);
    expect(await redis.unlink(...keys)).toBe(4);
    while ((await redis.hlen(`gw:{${tokens.gateways.environment}}:revocations:entries`)) < 3);
    await tokens.gateways.add({ id: 'edge-4' });
    await tokens.gateways.obeyRevocations();
    expect(await statuses(revoked)).toEqual([401, 401, 401, 401]);
  });

  it('are not made by whoever can write to Redis, who is reported', async () => {
    const good = await login();
    const prefix = `gw:{${tokens.gateways.environment}}:revocations`;
    const [[id = ''] = []] = [await redis.hkeys(`${prefix}:entries`)];
    await redis.hset(`${prefix}:entries`, 'planted', (await redis.hget(`${prefix}:entries`, id)) ?? '');
    const newest = Number((await redis.zrevrange(`${prefix}:sequences`, 0, 0, 'WITHSCORES'))[1]);
    await redis.zadd(`${prefix}:sequences`, newest + 1, 'planted');
    await tokens.gateways.obeyRevocations();
    for (const gateway of tokens.gateways.ids) expect(await reports(gateway, 'altered-revocation')).toBe('1');
    expect(await statuses(good)).toEqual([200, 200, 200, 200]);
  });

  it('do not come back with an older record of their login, however long its refresh token lies unused', async () => {
    const ended = await login();
    const families = await redis.keys(`gw:${tokens.gateways.environment}:rt:*:families`);
    const records = await Promise.all(families.map((key) => redis.hgetall(key)));
    expect((await post(1, '/auth/revoke', { token: ended.refresh_token })).status).toBe(200);
    await tokens.gateways.obeyRevocations();
    await Promise.all(families.map((key, index) => redis.hset(key, records[index] ?? {})));
    tokens.gateways.nowMs += HOUR_MS - 60_000;
    // Everything that has ended is forgotten by whoever looks now.
    for (const value of ['one', 'another']) await tokens.gateways.revoke([{ ...ofUser(), value }]);
    for (const at of [0, 1, 2]) expect((await refresh(at, ended)).status).toBe(400);
  });
});
