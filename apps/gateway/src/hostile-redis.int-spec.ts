import { Redis } from 'ioredis';
import { createPasswordVerifier } from '#libs/policy-contracts';
import { until } from '../../../test/support/until.ts';
import { ask } from './http-server/testing/rig.ts';
import { HostileRedis, type Attack, type Copy, type Entry } from './testing/hostile-redis.ts';
import { secretOf, TokenGateways, USER, type TokenPolicy, type TokenProxy } from './testing/token-gateways.ts';

// eslint-disable-next-line no-restricted-syntax -- set by the test run's global setup; this file is in no build
const redisUrl = process.env['TEST_REDIS_URL'];
if (redisUrl === undefined) throw new Error('TEST_REDIS_URL is not set: run the integration project of the tests');

const POLICY: TokenPolicy = {
  ...{ jwtSignatureAlgorithm: 'HS256', refreshTokenAllowed: true, refreshTokenCount: 50 },
  ...{ refreshTokenGraceSeconds: 300, refreshTokenExpiresInAmount: 1, refreshTokenExpiresInUnit: 'HOURS' },
};
const PROXIES: readonly TokenProxy[] = ['orders', 'stock'].map((proxy) => ({ proxy, policy: POLICY }));
const OLD_PASSWORD = 'the password that she changed';
/** A client that logs in with an old password again and again is not what this is about. */
const SETTINGS = { loginFailuresPerUser: 0, loginFailuresPerAddress: 0 };
const PATIENCE_MS = 30_000;
const CASE_MS = 90_000;

/** What a gateway does with what clients send it. */
interface Facts {
  /** Deployment of each proxy that it serves. */
  readonly served: Readonly<Record<string, number>>;
  readonly good: number;
  /** A token that was signed with a key of the deployment before. */
  readonly outdated: number;
  readonly revoked: number;
  readonly login: number;
  readonly oldPassword: number;
  readonly live: unknown;
  readonly ended: unknown;
}

/** An environment with one gateway that runs for long, and one that starts again without anything on its disk. */
class World {
  readonly tokens: Record<string, string> = {};
  private constructor(readonly rig: TokenGateways) {}

  static async begin(redisUrl: string): Promise<World> {
    const members = ['running', 'newcomer'].map((id) => ({ id, settings: SETTINGS }));
    const world = new World(await TokenGateways.start(redisUrl, members));
    await world.rig.publish(PROXIES);
    await world.rig.tellUser({ username: 'bob' });
    await world.rig.tellUser({
      passwordVerifier: await createPasswordVerifier(OLD_PASSWORD),
      passwordId: 'password-0',
    });
    await world.orders(1);
    return world;
  }

  get environment(): string {
    return this.rig.gateways.environment;
  }

  orders(number: number): Promise<void> {
    const denied = [{ uri: 'https://idp.example/jwks', kid: `kid-${number}` }];
    return this.rig.gateways.tell('orders', 'key-sets', { flushes: [], denied });
  }

  async login(password: string): Promise<Readonly<Record<string, string>>> {
    const { status, body } = await this.tryLogin('running', password);
    if (status !== 200) throw new Error(JSON.stringify(body));
    return body as Record<string, string>;
  }

  post(endpoint: string, form: Readonly<Record<string, string>>, id = 'running') {
    return this.ask(id, endpoint, form);
  }

  /** A gateway that starts with an empty disk. */
  newcomer(): Promise<void> {
    return this.rig.gateways.restart({ id: 'newcomer', settings: SETTINGS });
  }

  async facts(id: string): Promise<Facts> {
    const { tokens } = this;
    const response = await fetch(`http://127.0.0.1:${this.rig.gateways.adminPort(id)}/config`);
    const config = (await response.json()) as { proxies: readonly { name: string; deployment: number }[] };
    const introspected = async (token = ''): Promise<unknown> =>
      (await this.ask(id, 'introspect', { token })).body['active'];
    return {
      served: Object.fromEntries(config.proxies.map(({ name, deployment }) => [name, deployment])),
      good: await this.api(id, tokens['good']),
      outdated: await this.api(id, tokens['outdated']),
      revoked: await this.api(id, tokens['revoked']),
      login: (await this.tryLogin(id, USER.password)).status,
      oldPassword: (await this.tryLogin(id, OLD_PASSWORD)).status,
      live: await introspected(tokens['live']),
      ended: await introspected(tokens['ended']),
    };
  }

  /** How often each problem was reported. */
  async reports(id: string): Promise<Readonly<Record<string, number>>> {
    const lines = await this.rig.gateways.metric(id, 'gatewarden_reports_total');
    const parts = lines.map((line) => /problem="([^"]+)".* (\d+)$/.exec(line) ?? []);
    return Object.fromEntries(parts.map(([, problem = '', count]) => [problem, Number(count)]));
  }

  private tryLogin(id: string, password: string) {
    return this.ask(id, 'jwt', { grant_type: 'password', username: USER.name, password });
  }

  private async ask(id: string, endpoint: string, form: Readonly<Record<string, string>>) {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const all = { client_id: 'orders', client_secret: secretOf('orders'), ...form };
    const question = { port: this.rig.gateways.port(id), path: `/auth/${endpoint}`, method: 'POST', headers };
    const { status, body } = await ask({ ...question, body: new URLSearchParams(all).toString() });
    return { status, body: (body === '' ? {} : JSON.parse(body)) as Record<string, unknown> };
  }

  private async api(id: string, token = ''): Promise<number> {
    const headers = { authorization: `Bearer ${token}` };
    return (await ask({ port: this.rig.gateways.port(id), path: '/orders/7', headers })).status;
  }
}

describe('somebody who may do everything in the Redis of an environment, but has no key of it,', () => {
  let redis: Redis;
  let world: World;
  let hostile: HostileRedis;
  let earlier: Copy;
  let before: readonly Entry[];
  let now: Copy;
  let truth: Facts;

  /** Each gateway that is let in asks for standing orders once per look; a newcomer that is not asks for the key ring. */
  const looks = async (): Promise<number> =>
    Number(/cmdstat_hget:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0);
  /** Ends when the gateways have looked several times. */
  async function looked(): Promise<void> {
    const from = await looks();
    await until(
      'they have looked',
      async () => {
        await redis.publish(`gw:{${world.environment}}:topic:changes`, '');
        return (await looks()) >= from + 8;
      },
      PATIENCE_MS,
    );
  }

  beforeAll(async () => {
    redis = new Redis(redisUrl);
    world = await World.begin(redisUrl);
    const elsewhere = await World.begin(redisUrl);
    const theirs = await elsewhere.login(OLD_PASSWORD);
    await elsewhere.post('revoke', { token: theirs['access_token'] ?? '' });
    hostile = new HostileRedis(redis, world.environment, await HostileRedis.entriesOf(redis, elsewhere.environment));
    await elsewhere.rig.stop();

    world.tokens['outdated'] = (await world.login(OLD_PASSWORD))['access_token'] ?? '';
    world.tokens['ended'] = (await world.login(OLD_PASSWORD))['refresh_token'] ?? '';
    earlier = await hostile.copy();
    before = await hostile.entries();

    await world.rig.publish(PROXIES);
    await world.rig.tellUser();
    await world.orders(2);
    const { access_token: good = '', refresh_token: first = '' } = await world.login(USER.password);
    const refreshed = await world.post('jwt', { grant_type: 'refresh_token', refresh_token: first });
    const { access_token: revoked = '' } = await world.login(USER.password);
    await world.post('revoke', { token: revoked });
    await world.post('revoke', { token: world.tokens['ended'] });
    Object.assign(world.tokens, { good, live: refreshed.body['refresh_token'], revoked });
    await world.rig.gateways.obeyRevocations();
    now = await hostile.copy();
    truth = await world.facts('running');
  }, CASE_MS);
  afterAll(async () => {
    await world.rig.stop();
    redis.disconnect();
  }, CASE_MS);

  it('meets gateways that serve what is published, and know what is revoked', async () => {
    expect(truth).toEqual({
      ...{ served: { orders: 3, stock: 4 }, good: 200, outdated: 401, revoked: 401 },
      ...{ login: 200, oldPassword: 400, live: true, ended: false },
    });
    expect(await world.facts('newcomer')).toEqual(truth);
  });

  interface Case {
    /** Of the keys of the environment, and a field; the last one when none is named. */
    readonly entry: string;
    readonly field?: string;
    readonly attacks: readonly Attack[];
    /** What the gateway that runs reports. */
    readonly running?: string;
    /** What a gateway without anything on its disk reports. */
    readonly newcomer?: string;
    /** What a newcomer cannot know: the threat model tells of it. */
    readonly undetected?: Partial<Facts>;
  }
  const FORGED = ['foreign', 'of-another', 'altered', 'truncated', 'junk'] as const;
  const CASES: readonly Case[] = [
    { entry: 'artifacts', attacks: ['older', 'foreign', 'of-another', 'deleted'], newcomer: 'missing-artifact' },
    // One that claims a higher number than the record's.
    { entry: 'artifacts', field: 'id-of-orders', attacks: ['of-another'], newcomer: 'altered-artifact' },
    { entry: 'artifacts', attacks: ['altered', 'truncated', 'junk', 'huge'], newcomer: 'altered-artifact' },
    { entry: 'artifacts', attacks: ['other-type'], newcomer: 'other-kind' },
    { entry: 'log', attacks: FORGED, running: 'restored', newcomer: 'altered-record' },
    { entry: 'log', attacks: ['deleted'], running: 'gap', newcomer: 'gap' },
    { entry: 'log', attacks: ['other-type'], running: 'other-kind', newcomer: 'other-kind' },
    { entry: 'checkpoint', field: 'sealed', attacks: FORGED, newcomer: 'altered-checkpoint' },
    { entry: 'checkpoint', field: 'sealed', attacks: ['other-type'], newcomer: 'other-kind' },
    { entry: 'position', field: 'sequence', attacks: ['older'], running: 'wrong-position', newcomer: 'wrong-position' },
    { entry: 'position', field: 'sequence', attacks: ['junk'], newcomer: 'gap' },
    // Who is not there is then not known, or is said not to be known: nobody gets in by it.
    { entry: 'position', field: 'told', attacks: ['foreign', 'junk'] },
    { entry: 'position', attacks: ['deleted'], running: 'empty' },
    { entry: 'position', attacks: ['other-type'], running: 'other-kind', newcomer: 'other-kind' },
    { entry: 'key-ring', attacks: ['foreign', 'altered', 'junk', 'deleted'], newcomer: 'not-admitted' },
    { entry: 'key-ring', attacks: ['other-type'], newcomer: 'other-kind' },
    { entry: 'identities:orders', attacks: ['older'], running: 'older-orders' },
    {
      entry: 'identities:orders',
      attacks: ['foreign', 'altered', 'junk'],
      running: 'altered-orders',
      newcomer: 'altered-orders',
    },
    { entry: 'identities:orders', attacks: ['other-type'], running: 'other-kind', newcomer: 'other-kind' },
    // Until the next change of that user, or until the control plane compares: ADR 0003.
    {
      entry: 'identities:credential',
      field: USER.name,
      attacks: ['older'],
      running: 'older-identity',
      undetected: { oldPassword: 200 },
    },
    {
      entry: 'identities:credential',
      field: USER.name,
      attacks: FORGED,
      running: 'altered-identity',
      newcomer: 'altered-identity',
    },
    { entry: 'identities:credential', attacks: ['other-type'] },
    // Gateways that know write back what the ledger lost: within a minute when entries are gone, within ten when altered.
    {
      entry: 'revocations:entries',
      attacks: [...FORGED, 'deleted', 'huge'],
      newcomer: 'altered-revocation',
      undetected: { revoked: 200 },
    },
    { entry: 'revocations:entries', attacks: ['other-type'], newcomer: 'other-kind' },
    { entry: 'revocations:sequences', attacks: ['deleted'], undetected: { revoked: 200 } },
    { entry: 'revocations:position', attacks: ['foreign', 'junk', 'deleted'] },
    { entry: 'revocations:position', attacks: ['other-type'], running: 'other-kind', newcomer: 'other-kind' },
    { entry: 'leases', attacks: ['foreign', 'altered', 'junk', 'deleted'] },
    { entry: 'heads', attacks: ['junk', 'other-type'] },
    { entry: 'sequences', attacks: ['junk', 'other-type'] },
  ];

  /** What a gateway may do at worst: serve less than it should, never anything else. */
  function expectNothingElse(facts: Facts, undetected: Partial<Facts> = {}): void {
    for (const [proxy, deployment] of Object.entries(facts.served)) expect(truth.served[proxy]).toBe(deployment);
    const bad = { outdated: facts.outdated, revoked: facts.revoked, oldPassword: facts.oldPassword };
    for (const [name, status] of Object.entries(bad)) {
      if (status !== undetected[name as keyof Facts]) expect([name, status]).not.toEqual([name, 200]);
    }
    expect(facts.ended).not.toBe(true);
  }

  const rows = CASES.flatMap((one) =>
    one.attacks.map((attack) => [attack, [one.entry, one.field].join(' '), one] as const),
  );
  const isSilent = ({ running, newcomer }: Case): boolean => running === undefined && newcomer === undefined;

  async function isHeldOff(attack: Attack, { entry: name, field, running, newcomer, undetected }: Case): Promise<void> {
    await hostile.restore(now);
    await looked();
    const earlierReports = await world.reports('running');
    const lines = world.rig.gateways.log.lines.length;
    const target = (await hostile.entries()).findLast((one) => one.name === name && (field ?? one.field) === one.field);
    if (target === undefined) throw new RangeError(name);
    const wasThere = before.find((one) => one.key === target.key && one.field === target.field);
    expect(await hostile.attack(attack, target, wasThere)).toBe(true);

    await world.newcomer();
    await looked();
    const facts = await world.facts('running');
    const { served, good, outdated, revoked } = truth;
    expect(facts).toMatchObject({ served, good, outdated, revoked });
    expectNothingElse(facts);
    expectNothingElse(await world.facts('newcomer'), undetected);
    const told = () => world.rig.gateways.log.lines.slice(lines);
    const reported = async (id: string, problem: string | undefined, already: Readonly<Record<string, number>>) => {
      if (problem === undefined) return;
      const count = async () => ((await world.reports(id))[problem] ?? 0) - (already[problem] ?? 0);
      await until(`${id} reports ${problem}`, async () => (await count()) > 0, PATIENCE_MS);
      expect(await count()).toBeLessThanOrEqual(2);
      expect(told().map((line) => line['problem'])).toContain(problem);
    };
    await reported('running', running, earlierReports);
    await reported('newcomer', newcomer, {});
    const warnings = told().filter(({ level }) => level === 'warn' || level === 'error');
    expect(warnings.length).toBeLessThanOrEqual(8);
  }

  it.each(rows.filter(([, , one]) => !isSilent(one)))(
    'by %s %s changes nothing that is served, and is reported, once',
    (attack, _name, one) => isHeldOff(attack, one),
    CASE_MS,
  );

  it.each(rows.filter(([, , one]) => isSilent(one)))(
    'by %s %s, which gateways need not read here, changes nothing that is served',
    (attack, _name, one) => isHeldOff(attack, one),
    CASE_MS,
  );

  it(
    'by an old copy of the whole Redis deceives at most a gateway that starts with an empty disk',
    async () => {
      await hostile.restore(earlier);
      await looked();
      const facts = await world.facts('running');
      const { served, good, outdated, revoked } = truth;
      expect(facts).toMatchObject({ served, good, outdated, revoked });
      expect(facts.oldPassword).not.toBe(200);
      expect((await world.reports('running'))['restored']).toBeGreaterThan(0);
      await world.newcomer();
      await until(
        'it serves the old copy',
        async () => {
          const found = await world.facts('newcomer');
          return found.served['orders'] === 1 && found.oldPassword === 200;
        },
        PATIENCE_MS,
      );
    },
    CASE_MS,
  );
});
