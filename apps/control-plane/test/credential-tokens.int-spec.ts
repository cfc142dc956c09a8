import { randomUUID } from 'node:crypto';
import {
  RedisRefreshTokenStore,
  type RefreshTokenRules,
  type RefreshTokenStore,
  type RefreshTokenSubject,
} from '#libs/refresh-token-store';
import { RedisRevocationLedger, type TokenRevocation } from '#libs/token-revocations';
import { FakeGateway } from './testing/fake-gateway.ts';
import { credentialBody, policyBody, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';
import { SeverableServer } from './testing/severable-server.ts';
import { removeKeys, testRedisUrl, until } from './testing/test-servers.ts';

const P = '/projects/shop';
const HOUR_MS = 3_600_000;
const RULES: RefreshTokenRules = {
  ...{ lifeMs: HOUR_MS, activeCount: undefined, limitAction: 'REVOKE_OLDEST', maxUses: undefined, graceMs: 0 },
};

let plane: RunningControlPlane;
let environment: Awaited<ReturnType<RunningControlPlane['environment']>>;
/** The store of a gateway of the environment: everything it knows comes from its gateway key. */
let store: RefreshTokenStore;
let door: SeverableServer;
const proxyIds = new Map<string, string>();
const call: RunningControlPlane['call'] = (...request) => plane.call(...request);
const tokensOf = (username: string, family = '') => `${P}/credentials/${username}/tokens/${family}`;
const there = () => `?environmentName=${environment.name}`;

async function storeOf(
  of: { name: string; gatewayKey: string },
  options: { readonly gatewayId?: string } = {},
): Promise<RefreshTokenStore> {
  const { keys } = await FakeGateway.admitted(plane.redis, of);
  return new RedisRefreshTokenStore(plane.redis, of.name, keys.keyFor('refresh-tokens'), options);
}

beforeAll(async () => {
  plane = await RunningControlPlane.start();
  environment = await plane.environment();
  await plane.done('POST', '/projects/', { name: 'shop' });
  for (const name of ['orders', 'users']) {
    await plane.done('POST', `${P}/apiProxies/url/`, proxyBody(name));
    await plane.done('POST', `${P}/apiProxies/${name}/policies/issue/`, policyBody());
    const found = await plane.pool.query<{ entity_id: string }>(
      `select entity_id from names where kind = 'api-proxy' and name = $1`,
      [name],
    );
    proxyIds.set(name, found.rows[0]?.entity_id ?? '');
  }
  store = await storeOf(environment, { gatewayId: 'gateway-1' });
  door = await SeverableServer.closed(testRedisUrl());
});
afterAll(async () => {
  await removeKeys(plane.redis, `gw:${environment.name}:rt:*`);
  await plane.close();
  await door.sever();
});

const subjectOf = (username: string, proxy: string, policy = 'issue'): RefreshTokenSubject => ({
  ...{ proxyId: proxyIds.get(proxy) ?? '', policy, subject: username, clientId: `client of ${proxy}` },
  ...{ scope: 'read', proofId: 'password-1' },
});

/** As a gateway does it. */
async function logIn(subject: RefreshTokenSubject, at = store): Promise<{ token: string; familyId: string }> {
  const issue = await at.issue(subject, RULES, Date.now());
  if (issue.kind !== 'issued') throw new Error('no login');
  return issue;
}
const refresh = async (token: string, subject: RefreshTokenSubject) =>
  (await store.rotate(token, subject, RULES, Date.now())).kind;

async function user(): Promise<string> {
  const username = `user-${randomUUID().slice(0, 8)}`;
  await plane.done('POST', `${P}/credentials/`, credentialBody(username, 'a password'));
  return username;
}
const familiesOf = async (username: string) => (await plane.done('GET', `${tokensOf(username)}${there()}`)).resultList;

/** What the gateways of the environment read of revocations that name something. */
async function revokedThere(value: string): Promise<readonly TokenRevocation[]> {
  const { keys } = await FakeGateway.admitted(plane.redis, environment);
  const ledger = new RedisRevocationLedger(plane.redis, environment.name, keys.keyFor('token-revocations'));
  return (await ledger.since(undefined)).revocations.filter((one) => one.value === value);
}

describe('GET P/credentials/{username}/tokens/', () => {
  it('lists the logins of a user under every proxy of the project, and nothing of their tokens', async () => {
    const username = await user();
    const first = await logIn(subjectOf(username, 'orders'));
    const second = await logIn(subjectOf(username, 'users'));
    const another = await storeOf(environment, { gatewayId: 'gateway-2' });
    const rotated = await another.rotate(first.token, subjectOf(username, 'orders'), RULES, Date.now());
    await logIn(subjectOf('somebody else', 'orders'));
    const answer = await call('GET', `${tokensOf(username)}${there()}`);
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string;
    const row = { policy: 'issue', scope: 'read', startedAt: time, issuedAt: time, expiresAt: time };
    const [at, last] = [
      { startedBy: 'gateway-1', gateway: 'gateway-1' },
      { startedBy: 'gateway-1', gateway: 'gateway-2' },
    ];
    expect(answer.body.resultList).toHaveLength(2);
    expect(answer.body.resultList).toEqual(
      expect.arrayContaining([
        {
          ...row,
          ...last,
          family: first.familyId,
          proxy: 'orders',
          clientId: 'client of orders',
          uses: 1,
          lastUsedAt: time,
        },
        {
          ...row,
          ...at,
          family: second.familyId,
          proxy: 'users',
          clientId: 'client of users',
          uses: 0,
          lastUsedAt: null,
        },
      ]),
    );
    const tokens = [first.token, second.token, 'token' in rotated ? rotated.token : ''];
    for (const token of tokens) {
      const [tag = '', bits = ''] = token.split('.');
      for (const part of [tag, bits, bits.slice(0, 10)]) expect(answer.text).not.toContain(part);
    }
  });

  it('finds the logins of a policy that is gone today, since it may be back tomorrow', async () => {
    const username = await user();
    const at = `${P}/apiProxies/orders/policies/former/`;
    await plane.done('POST', at, policyBody());
    await plane.done('DELETE', at, { operationMetadata: { targetScope: 'ALL', targetPipeline: 'REQUEST' } });
    await logIn(subjectOf(username, 'orders', 'former'));
    expect(await familiesOf(username)).toMatchObject([{ policy: 'former' }]);
  });

  it('costs no reading of what else was changed in the proxies of the project', async () => {
    const username = await user();
    await plane.done('POST', `${P}/apiProxies/url/`, proxyBody('long'));
    const at = `${P}/apiProxies/long/policies/issue/`;
    await plane.done('POST', at, policyBody());
    await plane.done('PUT', at, policyBody({}, { description: 'changed' }));
    const found = await plane.pool.query<{ id: string }>(
      `select entity_id as id from names where kind = 'api-proxy' and name = 'long'`,
    );
    const id = found.rows[0]?.id ?? '';
    proxyIds.set('long', id);
    await plane.pool.query(`delete from events where stream_id = $1 and type <> 'PolicyAdded'`, [`apiProxy-${id}`]);
    await logIn(subjectOf(username, 'long'));
    expect(await familiesOf(username)).toMatchObject([{ proxy: 'long', policy: 'issue' }]);
  });

  it('lists logins by the own settings of a credential without a proxy, and knows no gateway of an earlier build', async () => {
    const username = await user();
    const own = { ...subjectOf(username, 'orders'), proxyId: '', policy: '', clientId: username };
    const { familyId } = await logIn(own, await storeOf(environment));
    expect(await familiesOf(username)).toMatchObject([
      { family: familyId, proxy: null, policy: null, clientId: username, startedBy: null, gateway: null },
    ]);
    const answer = await plane.done('DELETE', `${tokensOf(username, `${familyId}/`)}${there()}`);
    expect(answer.resultList).toEqual([{ revoked: 1 }]);
  });

  it('shows what one environment holds, each has its own', async () => {
    const other = await plane.environment();
    const username = await user();
    await logIn(subjectOf(username, 'orders'), await storeOf(other));
    expect(await familiesOf(username)).toEqual([]);
    const there = await plane.done('GET', `${tokensOf(username)}?environmentName=${other.name}`);
    expect(there.resultList).toMatchObject([{ proxy: 'orders' }]);
    await removeKeys(plane.redis, `gw:${other.name}:rt:*`);
  });
});

describe('DELETE P/credentials/{username}/tokens/{family}/', () => {
  it('ends that login, which cannot be refreshed any more, and no other', async () => {
    const username = await user();
    const subject = subjectOf(username, 'users');
    const [kept, ended] = [await logIn(subject), await logIn(subject)];
    const answer = await plane.done('DELETE', `${tokensOf(username, `${ended.familyId}/`)}${there()}`);
    expect(answer.resultList).toEqual([{ revoked: 1 }]);
    expect(await refresh(ended.token, subject)).toBe('unknown');
    expect(await refresh(kept.token, subject)).toBe('rotated');
    expect(await familiesOf(username)).toMatchObject([{ family: kept.familyId }]);
    expect((await plane.events()).slice(-2)).toMatchObject([
      {
        ...{ type: 'RefreshFamiliesRevoked', metadata: { actor: 'admin' } },
        data: { family: ended.familyId, environmentId: environment.id, count: 1 },
      },
      { type: 'TokensRevoked', data: { by: 'family', value: ended.familyId, issuedUntilSeconds: null } },
    ]);
    expect(await revokedThere(ended.familyId)).toMatchObject([{ by: 'family' }]);
    expect(await revokedThere(kept.familyId)).toEqual([]);
  });

  it('of a family that is not there, or of another user, is a 404 and ends nothing', async () => {
    const [username, other] = [await user(), await user()];
    const subject = subjectOf(other, 'orders');
    const { token, familyId } = await logIn(subject);
    for (const family of ['none', familyId]) {
      expect((await call('DELETE', `${tokensOf(username, `${family}/`)}${there()}`)).status).toBe(404);
    }
    expect(await refresh(token, subject)).toBe('rotated');
  });
});

describe('DELETE P/credentials/{username}/tokens/', () => {
  it('ends every login of the user, under every proxy', async () => {
    const username = await user();
    const subjects = [subjectOf(username, 'orders'), subjectOf(username, 'users')];
    const logins = await Promise.all(subjects.map(async (subject) => ({ subject, ...(await logIn(subject)) })));
    const bystander = subjectOf(await user(), 'orders');
    const { token: kept } = await logIn(bystander);
    const answer = await plane.done('DELETE', `${tokensOf(username)}${there()}`);
    expect(answer.resultList).toEqual([{ revoked: 2 }]);
    for (const { token, subject } of logins) expect(await refresh(token, subject)).toBe('unknown');
    expect(await refresh(kept, bystander)).toBe('rotated');
    expect(await familiesOf(username)).toEqual([]);
    expect((await plane.done('DELETE', `${tokensOf(username)}${there()}`)).resultList).toEqual([{ revoked: 0 }]);
    const kinds = (await revokedThere(username)).map(({ by }) => by).sort();
    expect(kinds).toEqual(['client', 'user']);
  });
});

describe('calls for the tokens of a user', () => {
  it.each([
    ['GET', '', 'environmentName required'],
    ['GET', '?environmentName=', 'environmentName required'],
    ['DELETE', '?environmentName=a&environmentName=b', 'environmentName required'],
    ['DELETE', '?environmentName=nowhere', 'environmentName unknown_environment'],
  ] as const)('%s with %j is a 400: %s', async (method, query, fault) => {
    const { status, body } = await call(method, `${tokensOf(await user())}${query}`);
    expect([status, body.validation_errors?.map(({ field, code }) => `${field} ${code}`)]).toEqual([400, [fault]]);
  });

  it('of nobody are a 404', async () => {
    expect((await call('GET', `${tokensOf('none')}${there()}`)).status).toBe(404);
  });

  it('are a 503 while the Redis of the environment is away, record nothing, and work again when it is back', async () => {
    await door.open();
    const away = await plane.environment({ redisUrl: door.url });
    const username = await user();
    const { familyId } = await logIn(subjectOf(username, 'orders'), await storeOf(away));
    const at = (family = '') => `${tokensOf(username, family)}?environmentName=${away.name}`;
    await plane.done('GET', at());
    await door.sever();
    const before = (await plane.events()).length;
    for (const [method, path] of [
      ['GET', at()],
      ['DELETE', at()],
      ['DELETE', at(`${familyId}/`)],
    ] as const) {
      const { status, body } = await call(method, path);
      expect([status, body.error, body.success]).toEqual([503, 'unavailable', false]);
    }
    expect((await plane.events()).length).toBe(before);
    await door.open();
    const isBack = async () => (await call('GET', at())).body.resultList?.[0]?.['family'] === familyId;
    await until('it is back', isBack);
    await removeKeys(plane.redis, `gw:${away.name}:rt:*`);
  });
});
