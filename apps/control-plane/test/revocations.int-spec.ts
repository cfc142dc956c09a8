import { randomUUID } from 'node:crypto';
import {
  InMemoryRevocationLedger,
  RedisRevocationLedger,
  RevocationLedgerFull,
  type RevocationLedger,
  type TokenRevocation,
} from '#libs/token-revocations';
import {
  forgetEndedRevocations,
  noteTold,
  revokeTokens,
  toldSequence,
  untoldRevocations,
} from '../src/channel-upkeep/token-revocations.ts';
import { RevocationTelling } from '../src/deployments/deployer/revocation-telling.ts';
import { UnitOfWork } from '../src/persistence/unit-of-work.ts';
import { FakeGateway } from './testing/fake-gateway.ts';
import { credentialBody, policyBody, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';
import { SeverableServer } from './testing/severable-server.ts';
import { removeKeys, testRedisUrl, until } from './testing/test-servers.ts';

type TellTo = Parameters<RevocationTelling['tell']>[0];
type Environment = Awaited<ReturnType<RunningControlPlane['environment']>>;

const SUITE_MS = 180_000;
const P = '/projects/shop';
const HOUR_MS = 3_600_000;

let plane: RunningControlPlane;
let environment: Environment;
const gateways: FakeGateway[] = [];
beforeAll(async () => {
  plane = await RunningControlPlane.start({ deployTimeoutMs: SUITE_MS });
  await plane.done('POST', '/projects/', { name: 'shop' });
}, SUITE_MS);
afterAll(() => plane.close(), SUITE_MS);
beforeEach(async () => void (environment = await plane.environment()));
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.ends();
});

const at = (of = environment): string => `/environments/${of.name}/revocations/`;
const revoke = (body: object, headers?: Record<string, string>) => plane.done('POST', at(), body, headers);
const listed = async (of = environment) => (await plane.done('GET', at(of))).resultList;

async function admitted(gatewayId: string, of = environment): Promise<FakeGateway> {
  const gateway = await FakeGateway.admitted(plane.redis, of, gatewayId);
  gateways.push(gateway);
  await gateway.says({ obeys: { revocations: 0 } });
  return gateway;
}

/** What the gateways of an environment read there: all they need is in their key. */
async function ledgerOf(of = environment): Promise<RevocationLedger> {
  const { keys } = await FakeGateway.admitted(plane.redis, of);
  return new RedisRevocationLedger(plane.redis, of.name, keys.keyFor('token-revocations'));
}

async function inLedger(ledger: RevocationLedger): Promise<readonly TokenRevocation[]> {
  return (await ledger.since(undefined)).revocations;
}

const secondsNow = (): number => Math.floor(Date.now() / 1_000);
const revoked = async (of = environment) =>
  (await plane.events()).filter(({ stream_id: stream }) => stream === `environmentRevocations-${of.id}`);

async function user(): Promise<string> {
  const username = `user-${randomUUID().slice(0, 8)}`;
  await plane.done('POST', `${P}/credentials/`, credentialBody(username, 'a password'));
  return username;
}

describe('POST /apiops/environments/{env}/revocations/', () => {
  it.each([
    [{ jti: 'family.own' }, { by: 'token', value: 'family.own' }],
    [{ username: 'alice' }, { by: 'user', value: 'alice' }],
    [{ clientId: 'Client 1' }, { by: 'client', value: 'Client 1' }],
    [{ everybody: true }, { by: 'everybody', value: '' }],
  ])('%j is recorded, and in the ledger that gateways read', async (body, named) => {
    const before = secondsNow();
    const { resultList } = await revoke(body, { 'x-change-reason': 'INC-1' });
    const [entry] = await inLedger(await ledgerOf());
    expect(entry).toMatchObject(named);
    // Gateways that do not know of it yet refresh for a second.
    expect(entry?.issuedUntilSeconds).toBeGreaterThanOrEqual(before + 1);
    expect(entry?.issuedUntilSeconds).toBeLessThanOrEqual(secondsNow() + 1);
    expect(resultList).toMatchObject([{ environmentName: environment.name, by: named.by, success: true }]);
    expect(await revoked()).toMatchObject([
      {
        ...{ type: 'TokensRevoked', metadata: { actor: 'admin', reason: 'INC-1' } },
        data: { ...entry, environmentId: environment.id },
      },
    ]);
  });

  it('waits until every gateway that lives has read that far', async () => {
    const [one, other] = [await admitted('a'), await admitted('b')];
    const ledger = await ledgerOf();
    let isAnswered = false;
    const asked = revoke({ username: 'alice' }).finally(() => (isAnswered = true));
    const { position } = await until('it is in the ledger', async () => {
      const news = await ledger.since(undefined);
      return news.heldCount === 1 && news;
    });
    await one.says({ obeys: { revocations: position.sequence } });
    await other.says({ obeys: { revocations: position.sequence - 1 } });
    expect(isAnswered).toBe(false);
    await other.says({ obeys: { revocations: position.sequence } });
    expect((await asked).resultList).toMatchObject([
      { success: true, message: 'All 2 live gateways obey it', gateways: { live: 2, obeying: 2, pending: 0 } },
    ]);
  });

  it('means tokens of the seconds before issuedBefore, and of no later one', async () => {
    await revoke({ username: 'alice', issuedBefore: '2026-01-01T02:00:00.500+02:00' });
    await revoke({ username: 'bob', issuedBefore: '2026-01-01T00:00:00Z' });
    const midnight = Date.parse('2026-01-01T00:00:00Z') / 1_000;
    const entries = new Map((await inLedger(await ledgerOf())).map((one) => [one.value, one.issuedUntilSeconds]));
    expect(entries).toEqual(
      new Map([
        ['alice', midnight],
        ['bob', midnight - 1],
      ]),
    );
    expect(await listed()).toMatchObject([
      { value: 'bob', issuedBefore: '2026-01-01T00:00:00.000Z' },
      { value: 'alice', issuedBefore: '2026-01-01T00:00:01.000Z' },
    ]);
  });

  it.each([
    [{}, ['jti required']],
    [{ username: 'a', clientId: 'b' }, ['clientId invalid']],
    [{ everybody: false }, ['everybody invalid_value']],
    [{ username: '', more: 1 }, ['more unknown_field', 'username out_of_range']],
    [{ jti: 'a\u0001' }, ['jti invalid']],
    [{ username: 'a', issuedBefore: '2100-01-01T00:00:00Z' }, ['issuedBefore out_of_range']],
    [{ username: 'a', issuedBefore: 'yesterday' }, ['issuedBefore invalid']],
  ])('%j is refused, and nothing is revoked', async (body, faults) => {
    const answer = await plane.call('POST', at(), body);
    const found = (answer.body.validation_errors ?? []).map(({ field, code }) => `${field} ${code}`).sort();
    expect([answer.status, found]).toEqual([400, faults]);
    expect(await revoked()).toEqual([]);
  });

  it('of an environment that is not there is a 404', async () => {
    expect((await plane.call('POST', '/environments/none/revocations/', { everybody: true })).status).toBe(404);
  });

  it(
    'is recorded while the Redis is away, told when it is back, and says so',
    async () => {
      const hurried = await RunningControlPlane.start({ deployTimeoutMs: 2_000 });
      const door = await SeverableServer.closed(testRedisUrl());
      try {
        await door.open();
        const away = await hurried.environment({ redisUrl: door.url });
        const ledger = await ledgerOf(away);
        await door.sever();
        const { resultList } = await hurried.done('POST', at(away), { username: 'alice' });
        expect(resultList).toMatchObject([{ success: false, gateways: { live: 0 } }]);
        expect((await hurried.done('GET', at(away))).resultList).toMatchObject([{ value: 'alice', isTold: false }]);
        await door.open();
        await until('it is told', async () => (await inLedger(ledger)).length === 1, 20_000);
        await until('the list says so', async () => {
          const [row] = (await hurried.done('GET', at(away))).resultList;
          return row?.['isTold'] === true;
        });
      } finally {
        await hurried.close();
        await door.sever();
      }
    },
    SUITE_MS,
  );

  it(
    'is told again when the Redis lost its data',
    async () => {
      await revoke({ username: 'alice' });
      const ledger = await ledgerOf();
      const before = await inLedger(ledger);
      await removeKeys(plane.redis, `gw:{${environment.name}}:*`);
      await until('it is there again', async () => (await inLedger(ledger)).length === 1, 20_000);
      expect(await inLedger(ledger)).toEqual(before);
    },
    SUITE_MS,
  );
});

describe('GET /apiops/environments/{env}/revocations/', () => {
  it('lists by whose order, when and why, newest first, and the same ones joined', async () => {
    await revoke({ username: 'alice' }, { 'x-change-reason': 'first' });
    await revoke({ everybody: true });
    await revoke({ username: 'alice', issuedBefore: '2026-01-01T00:00:00Z' }, { 'x-change-reason': 'second' });
    const rows = await listed();
    const at = expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string;
    const facts = { actor: 'admin', at, isTold: true };
    expect(rows).toMatchObject([
      { ...facts, by: 'user', value: 'alice', reason: 'second' },
      { ...facts, by: 'everybody', value: null, reason: null },
    ]);
    expect(Date.parse(String(rows[0]?.['issuedBefore']))).toBeGreaterThan(Date.parse('2026-01-02T00:00:00Z'));
    expect(await listed(await plane.environment())).toEqual([]);
  });

  it('is empty once the last token that is meant has expired', async () => {
    await revoke({ username: 'alice' });
    expect(await listed()).toHaveLength(1);
    const ended = 'update read_token_revocations set ends_at_ms = 1 where environment_id = $1';
    await plane.pool.query(ended, [environment.id]);
    expect(await listed()).toEqual([]);
  });
});

async function endsOfEverybody(of: RunningControlPlane, { name }: Environment): Promise<number | null> {
  await of.done('POST', `/environments/${name}/revocations/`, { everybody: true });
  const last = (await of.events()).filter(({ type }) => type === 'TokensRevoked').at(-1)?.data;
  expect(last?.['by']).toBe('everybody');
  return last?.['endsAtMs'] as number | null;
}

describe('a revocation ends', () => {
  const endsOf = async (username: string, of = environment): Promise<number | null | undefined> => {
    await plane.done('DELETE', `${P}/credentials/${username}/tokens/?environmentName=${of.name}`);
    return (await inLedger(await ledgerOf(of))).find(({ value, by }) => value === username && by === 'user')?.endsAtMs;
  };

  it('when the longest access or refresh token that any policy of the project ever gave has expired; never, if one never expired', async () => {
    const bounded = await RunningControlPlane.start();
    const there = await bounded.environment();
    const life = (amount: number) => ({
      ...{ tokenNeverExpires: false, tokenExpiresInAmount: amount, tokenExpiresInUnit: 'HOURS' },
    });
    try {
      for (const project of ['shop', 'bank']) await bounded.done('POST', '/projects/', { name: project });
      await bounded.done('POST', `${P}/credentials/`, credentialBody('alice', 'a password'));
      await bounded.done('POST', `${P}/apiProxies/url/`, proxyBody('orders'));
      const policy = `${P}/apiProxies/orders/policies/issue/`;
      await bounded.done('POST', policy, policyBody({}, life(48)));
      await bounded.done('PUT', policy, policyBody({}, life(1)));
      // Another project's.
      await bounded.done('POST', '/projects/bank/credentials/', credentialBody('bob', 'a password'));
      await bounded.done('PUT', '/projects/bank/credentials/bob/token/', { tokenNeverExpires: true });
      const path = `${P}/credentials/alice/tokens/?environmentName=${there.name}`;
      const ends = async () => {
        await bounded.done('DELETE', path);
        const data = (await bounded.events()).filter(({ type }) => type === 'TokensRevoked').at(-1)?.data;
        return data?.['endsAtMs'] as number | null;
      };
      const hours = (((await ends()) ?? 0) - Date.now()) / HOUR_MS;
      expect(hours).toBeGreaterThan(48.9);
      expect(hours).toBeLessThanOrEqual(49);
      // A refresh token that lies unused is good for longer; the login as a whole for less.
      const refreshed = { ...life(1), refreshTokenAllowed: true };
      const days = (amount: number, what = 'ExpiresIn') => ({
        ...{ [`refreshToken${what}Amount`]: amount, [`refreshToken${what}Unit`]: 'DAYS' },
      });
      const hoursLeft = async () => (((await ends()) ?? 0) - Date.now()) / HOUR_MS;
      await bounded.done('PUT', policy, policyBody({}, { ...refreshed, ...days(9), ...days(5, 'AbsoluteExpiresIn') }));
      expect(await hoursLeft()).toBeGreaterThan(5 * 24 + 0.9);
      expect(await hoursLeft()).toBeLessThanOrEqual(5 * 24 + 1);
      await bounded.done('PUT', policy, policyBody({}, refreshed));
      expect(await hoursLeft()).toBeGreaterThan(30 * 24 + 0.9);
      expect(await hoursLeft()).toBeLessThanOrEqual(30 * 24 + 1);
      // As long as may be said: no number tells that moment exactly, and gateways would not read it.
      const longest = { ...life(285_600), tokenExpiresInUnit: 'YEARS' };
      await bounded.done('PUT', `${P}/credentials/alice/token/`, longest);
      expect(await ends()).toBeNull();
      expect(await inLedger(await ledgerOf(there))).toHaveLength(2);
      expect(await endsOfEverybody(bounded, there)).toBeNull();
      // Those two left out.
      await bounded.pool.query('delete from read_login_lives where coalesce(longest_life_ms, 1e15) > 1e12');
      const all = (((await endsOfEverybody(bounded, there)) ?? 0) - Date.now()) / HOUR_MS;
      expect(all).toBeGreaterThan(30 * 24 + 0.9);
    } finally {
      await bounded.close();
    }
  });

  it('never, where nothing is known of how long tokens live', async () => {
    const username = await user();
    await plane.done('PUT', `${P}/credentials/${username}/token/`, { tokenNeverExpires: true });
    expect(await endsOf(username)).toBeNull();
  });
});

describe('what an environment is to be told', () => {
  it('stays to be told when it was widened meanwhile', async () => {
    // No environment: nobody tells it by himself.
    const nowhere = randomUUID();
    const widen = (endsAtMs: number) =>
      plane.app
        .get(UnitOfWork)
        .run({ actor: 'admin', requestId: 'r', mayDeploy: true }, (unit) =>
          revokeTokens(unit, nowhere, [{ by: 'user', value: 'alice', issuedUntilSeconds: 5, endsAtMs }], {}),
        );
    const kind = { isUntilTold: false, isOfProject: false };
    const untold = () => untoldRevocations(plane.pool, nowhere, { ...kind, limit: 9 });
    const note = async (revocations: readonly TokenRevocation[]) => {
      const told = revocations.map((one) => ({
        ...{ ...one, toldUntilSeconds: one.issuedUntilSeconds, toldEndsAtMs: one.endsAtMs },
      }));
      await noteTold(plane.pool, nowhere, { revocations: told, sequence: 7 });
    };
    await widen(10);
    const first = await untold();
    await widen(20);
    await note(first);
    expect(await untold()).toMatchObject([{ value: 'alice', issuedUntilSeconds: 5, endsAtMs: 20 }]);
    await widen(15);
    await note(await untold());
    expect(await untold()).toEqual([]);
    expect(await toldSequence(plane.pool, nowhere, { by: 'user', value: 'alice' })).toBe(7);
    await forgetEndedRevocations(plane.pool, nowhere, 20);
    expect(await toldSequence(plane.pool, nowhere, { by: 'user', value: 'alice' })).toBeUndefined();
  });

  it('is what an administrator ordered first, which has room where projects have used up theirs', async () => {
    const environmentId = randomUUID();
    const one = (value: string) => ({ by: 'user', value, issuedUntilSeconds: 5, endsAtMs: null }) as const;
    const record = (values: readonly string[], projectId?: string) =>
      plane.app
        .get(UnitOfWork)
        .run({ actor: 'admin', requestId: 'r', mayDeploy: true }, (unit) =>
          revokeTokens(unit, environmentId, values.map(one), { projectId }),
        );
    const ledger = new InMemoryRevocationLedger({ entries: 20 });
    await ledger.record(
      Array.from({ length: 18 }, (_, index) => one(`held ${index}`)),
      Date.now(),
    );
    await record(['a', 'both'], 'project-1');
    await record(['both', 'z']);
    await record(['z'], 'project-1');
    const channel = { environmentId, revocations: ledger, channel: { nudge: () => Promise.resolve() } };
    const telling = new RevocationTelling(plane.pool).tell(channel as unknown as TellTo);
    await expect(telling).rejects.toThrow(RevocationLedgerFull);
    const isTold = async (value: string) => (await toldSequence(plane.pool, environmentId, one(value))) !== undefined;
    expect([await isTold('both'), await isTold('z'), await isTold('a')]).toEqual([true, true, false]);
    const roomier = { ...channel, revocations: new InMemoryRevocationLedger({ entries: 20 }) };
    await new RevocationTelling(plane.pool).tell(roomier as unknown as TellTo);
    const told = (await roomier.revocations.since(undefined)).revocations.map(({ value }) => value);
    expect(told).toEqual(['a']);
  });
});

describe('a name in tokens', () => {
  const taken = (body: { error_description?: string }, ...parts: string[]) => {
    for (const part of parts) expect(body.error_description).toContain(part);
  };

  it('is a user name or a public key, over all projects: nobody can revoke the one by the other', async () => {
    await plane.done('POST', '/projects/', { name: 'alpha' });
    const [username, publicKey] = [await user(), `client-${randomUUID()}`];
    for (const project of [P, '/projects/alpha']) {
      const name = `keyed-${project.length}`;
      await plane.done('POST', `${project}/apiProxies/url/`, proxyBody(name));
    }
    const keysOf = (project: string) => `${project}/apiProxies/keyed-${project.length}/settings/keys/`;
    await plane.done('PATCH', keysOf(P), { publicKey });
    const before = (await plane.events()).length;
    for (const project of [P, '/projects/alpha']) {
      const created = await plane.call('POST', `${project}/credentials/`, credentialBody(publicKey, 'a password'));
      expect([created.status, created.body.error]).toEqual([409, 'conflict']);
      taken(created.body, 'username', publicKey, 'in use as a publicKey');
      const renamed = await plane.call('PATCH', keysOf(project), { publicKey: username, secretKey: 'another-secret' });
      expect([renamed.status, renamed.body.error]).toEqual([409, 'conflict']);
      taken(renamed.body, 'publicKey', username, 'in use as a username');
    }
    expect((await plane.events()).length).toBe(before);
    await plane.done('PATCH', keysOf(P), { publicKey: `another-${publicKey}` });
    await plane.done('POST', '/projects/alpha/credentials/', credentialBody(publicKey, 'a password'));
  });

  it('is one of the two also where both are asked for at once', async () => {
    await plane.done('POST', `${P}/apiProxies/url/`, proxyBody('racing'));
    const keys = `${P}/apiProxies/racing/settings/keys/`;
    for (let round = 0; round < 5; round += 1) {
      const name = `race-${randomUUID()}`;
      const answers = await Promise.all([
        plane.call('POST', `${P}/credentials/`, credentialBody(name, 'a password')),
        plane.call('PATCH', keys, { publicKey: name }),
      ]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    }
  });
});

describe('access tokens die in every environment', () => {
  const twoOf = (username: string) => [
    expect.objectContaining({ by: 'client', value: username }) as unknown,
    expect.objectContaining({ by: 'user', value: username }) as unknown,
  ];
  const named = async (value: string, of = environment) =>
    (await inLedger(await ledgerOf(of)))
      .filter((one) => one.value === value)
      .sort((one, other) => (one.by < other.by ? -1 : 1));

  it('when the password of a user changes, and not when it stays the same', async () => {
    const other = await plane.environment();
    const username = await user();
    await plane.done('PUT', `${P}/credentials/`, credentialBody(username, 'a password', { description: 'same' }));
    expect(await named(username)).toEqual([]);
    await plane.done('PATCH', `${P}/credentials/${username}/`, { password: 'another password' });
    for (const one of [environment, other]) expect(await named(username, one)).toEqual(twoOf(username));
    const changed = (await plane.events()).findLast(({ type }) => type === 'PasswordChanged');
    const [revocation] = await revoked();
    expect(revocation?.metadata['requestId']).toBe(changed?.metadata['requestId']);
  });

  it(
    'also those that the old password gave until the environment knew of the new one',
    async () => {
      const hurried = await RunningControlPlane.start({ deployTimeoutMs: 2_000 });
      const door = await SeverableServer.closed(testRedisUrl());
      try {
        await door.open();
        const away = await hurried.environment({ redisUrl: door.url });
        await hurried.done('POST', '/projects/', { name: 'shop' });
        await hurried.done('POST', `${P}/credentials/`, credentialBody('alice', 'a password'));
        const ledger = await ledgerOf(away);
        await door.sever();
        await hurried.done('PATCH', `${P}/credentials/alice/`, { password: 'another password' });
        const recorded = (await hurried.events()).find(({ type }) => type === 'TokensRevoked')?.data;
        await until('a second has passed', () =>
          Promise.resolve(secondsNow() > Number(recorded?.['issuedUntilSeconds'])),
        );
        const before = secondsNow();
        await door.open();
        const told = await until(
          'it is told',
          async () => {
            const found = await inLedger(ledger);
            return found.length === 2 && found;
          },
          20_000,
        );
        for (const { issuedUntilSeconds } of told) expect(issuedUntilSeconds).toBeGreaterThan(before);
        // Told again, it means no token that was issued since.
        await removeKeys(plane.redis, `gw:{${away.name}}:*`);
        await until('it is there again', async () => (await inLedger(ledger)).length === 2, 20_000);
        const order = (one: TokenRevocation, other: TokenRevocation) => (one.by < other.by ? -1 : 1);
        expect([...(await inLedger(ledger))].sort(order)).toEqual([...told].sort(order));
      } finally {
        await hurried.close();
        await door.sever();
      }
    },
    SUITE_MS,
  );

  it('when a user is replaced with another password, or deleted', async () => {
    const [replaced, deleted] = [await user(), await user()];
    await plane.done('PUT', `${P}/credentials/`, credentialBody(replaced, 'another password'));
    await plane.done('DELETE', `${P}/credentials/${deleted}/`);
    for (const username of [replaced, deleted]) expect(await named(username)).toEqual(twoOf(username));
  });

  it('of a client whose secret key changes, and not when another member does', async () => {
    await plane.done('POST', `${P}/apiProxies/url/`, proxyBody('keyed'));
    const X = `${P}/apiProxies/keyed`;
    await plane.done('PATCH', `${X}/settings/keys/`, { publicKey: 'client-1' });
    expect(await named('client-1')).toEqual([]);
    await plane.done('PATCH', `${X}/settings/keys/`, { publicKey: 'client-2', secretKey: 'another-secret' });
    expect(await named('client-1')).toEqual([expect.objectContaining({ by: 'client' })]);
    expect(await named('client-2')).toEqual([]);
  });

  it('of the client of a proxy that is deleted: the next proxy of its name has its audience', async () => {
    await plane.done('POST', `${P}/apiProxies/url/`, proxyBody('deleted'));
    await plane.done('PATCH', `${P}/apiProxies/deleted/settings/keys/`, { publicKey: 'client-3' });
    expect(await named('client-3')).toEqual([]);
    await plane.done('DELETE', `${P}/apiProxies/deleted/`);
    expect(await named('client-3')).toEqual([expect.objectContaining({ by: 'client' })]);
  });
});
