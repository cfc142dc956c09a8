import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { ChildProgram } from '../support/child-program.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { type Moment } from '../support/fault-point.ts';
import { freePortsInARow } from '#libs/program-shell/testing';
import { GatewardenSystem } from '../support/gatewarden-system.ts';
import { NthCommand } from '../support/nth-command.ts';
import { authJwtPolicy, policyBody, proxyBody } from '../support/policies.ts';
import { RedisWire } from '../support/redis-wire.ts';
import { call, requestToken, type TokenAnswer } from '../support/token-client.ts';
import { until } from '../support/until.ts';

const PROXIES = '/apiops/projects/demo/apiProxies';
const ALICE = { username: 'alice', password: 'a password of alice' };
/** Far more than a refresh asks; without it, a gateway that asks for ever would be killed for ever. */
const MOST_COMMANDS = 40;
/** One active login, so that every login ends the one before; and nobody is late for the grace, however busy the machine. */
const POLICY = authJwtPolicy({ refreshTokenCount: 1, refreshTokenGraceSeconds: 300 });

type Round = { readonly n: number; readonly moment: Moment };
interface Outcome extends Round {
  readonly command: string;
  readonly wrong: string[];
}

/** A gateway that asks Redis through a proxy which can stop it anywhere. */
class KillableGateway {
  readonly faults = new NthCommand();
  private readonly directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-killed-'));
  private proxy!: FaultProxy;
  private program!: ChildProgram;
  url = '';
  adminUrl = '';

  constructor(private readonly system: GatewardenSystem) {}

  async start(): Promise<void> {
    const { redis, gatewayKey } = this.system.environment('production');
    this.proxy = await FaultProxy.before(redis.url, this.faults, () => new RedisWire('everything'));
    const [port = 0, adminPort = 0] = await freePortsInARow(2);
    this.url = `http://127.0.0.1:${port}`;
    this.adminUrl = `http://127.0.0.1:${adminPort}`;
    this.program = new ChildProgram('apps/gateway/src/main.js', {
      ...{ GATEWAY_ENVIRONMENT: 'production', GATEWAY_KEY: gatewayKey, REDIS_URL: this.proxy.url },
      ...{ HOST: '127.0.0.1', PORT: String(port), ADMIN_HOST: '127.0.0.1', ADMIN_PORT: String(adminPort) },
      ...{ GATEWAY_ID: 'killed', SNAPSHOT_DIR: path.join(this.directory, 'snapshot'), LOG_LEVEL: 'warn' },
    });
    await this.startAgain();
    await this.faults.learnIdleness();
  }

  async startAgain(): Promise<void> {
    this.program.start();
    await this.system.ready(this.adminUrl);
  }

  /** Asks, and kills the gateway at the n-th command before it has answered. @returns the answer, when it never got there */
  async askedAndKilled({ n, moment }: Round, ask: () => Promise<TokenAnswer>): Promise<TokenAnswer | undefined> {
    const struck = this.faults.armNth(n, moment).then(() => undefined);
    const asked = ask().catch(() => undefined);
    const answer = await Promise.race([struck, asked]);
    if (answer === undefined) await this.program.signal('SIGKILL');
    this.faults.release();
    return answer;
  }

  async stop(): Promise<void> {
    await this.program.signal('SIGKILL');
    await this.proxy.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

describe('a gateway killed with -9 at every command that a token request leads to', () => {
  let system: GatewardenSystem;
  let killed: KillableGateway;
  let redis: Redis;
  let client: Record<string, string>;

  const ask = (gatewayUrl: string, form: Record<string, string>): Promise<TokenAnswer> =>
    requestToken(gatewayUrl, { ...client, ...form });
  const refreshAt = (gatewayUrl: string, token: string): Promise<TokenAnswer> =>
    ask(gatewayUrl, { grant_type: 'refresh_token', refresh_token: token });
  const other = (): string => system.gateway('production').url;
  const login = async (): Promise<TokenAnswer['body']> => {
    const { status, body } = await ask(other(), { grant_type: 'password', ...ALICE });
    if (status !== 200) throw new Error(`no login: ${JSON.stringify(body)}`);
    return body;
  };
  const apiStatus = async (token: string): Promise<number> => (await call(`${other()}/orders/7`, token)).status;

  /** Families of the only user, and how many of them count as active. */
  const kept = async (): Promise<readonly [families: number, active: number]> => {
    const count = async (pattern: string, size: (key: string) => Promise<number>): Promise<number> => {
      const sizes = await Promise.all((await redis.keys(pattern)).map(size));
      return sizes.reduce((sum, one) => sum + one, 0);
    };
    return [
      await count('gw:production:rt:*:families', (key) => redis.hlen(key)),
      await count('gw:production:rt:*:active', (key) => redis.zcard(key)),
    ];
  };

  /** Kills at each command in turn, before it and after it, until a request is answered without having come so far. */
  async function killedEverywhere(
    prepare: () => Promise<() => Promise<TokenAnswer>>,
    whatIsWrong: () => Promise<string[]>,
  ): Promise<{ readonly outcomes: Outcome[]; readonly unkilled: TokenAnswer }> {
    const outcomes: Outcome[] = [];
    for (let n = 1; n <= MOST_COMMANDS; n += 1) {
      for (const moment of ['before', 'after'] as const) {
        const answer = await killed.askedAndKilled({ n, moment }, await prepare());
        if (answer !== undefined) return { outcomes, unkilled: answer };
        outcomes.push({ n, moment, command: killed.faults.met.at(-1) ?? '', wrong: await whatIsWrong() });
        await killed.startAgain();
      }
    }
    throw new Error(`more than ${MOST_COMMANDS} commands: ${killed.faults.met.join(', ')}`);
  }

  beforeAll(async () => {
    system = await GatewardenSystem.start(['production'], { gatewaysEach: 1, deployers: 0 });
    await system.api('POST', '/apiops/projects/', { name: 'demo' });
    const created = await system.api('POST', `${PROXIES}/url/`, proxyBody('orders', '/orders', system.upstreamUrl));
    const { publicKey, secretKey } = created.body.resultList[0];
    client = { client_id: publicKey, client_secret: secretKey };
    const alice = { ...ALICE, email: 'alice@example.org', fullName: 'Alice', roleNameList: ['reader'] };
    await system.api('POST', '/apiops/projects/demo/credentials/', alice);
    await system.api('POST', `${PROXIES}/orders/policies/jwt-auth/`, policyBody(POLICY, ['production']));
    redis = new Redis(system.environment('production').redis.url);
    killed = new KillableGateway(system);
    await killed.start();
  }, 180_000);
  afterAll(async () => {
    await killed.stop();
    redis.disconnect();
    await system.stop();
  });

  it('a refresh: the client repeats it at another gateway and goes on with one successor and one family', async () => {
    let presented = '';
    const prepare = async () => {
      presented = String((await login()).refresh_token);
      return () => refreshAt(killed.url, presented);
    };
    const whatIsWrong = async (): Promise<string[]> => {
      const [first, again] = [await refreshAt(other(), presented), await refreshAt(other(), presented)];
      const wrong: string[] = [];
      const check = (isRight: boolean, what: string) => void (isRight || wrong.push(what));
      check(first.status === 200, `repeated: ${first.status} ${JSON.stringify(first.body)}`);
      check(first.body.refresh_token !== presented, 'no successor');
      check(again.body.refresh_token === first.body.refresh_token, 'two successors');
      check((await apiStatus(first.body.access_token)) === 200, 'the access token is refused');
      check(JSON.stringify(await kept()) === '[1,1]', `kept: ${JSON.stringify(await kept())}`);
      const next = await refreshAt(other(), first.body.refresh_token);
      check(next.status === 200, `the successor is refused: ${JSON.stringify(next.body)}`);
      check(JSON.stringify(await kept()) === '[1,1]', `kept at the end: ${JSON.stringify(await kept())}`);
      return wrong;
    };
    const { outcomes, unkilled } = await killedEverywhere(prepare, whatIsWrong);
    expect(outcomes.filter(({ wrong }) => wrong.length > 0)).toEqual([]);
    expect(unkilled.status).toBe(200);
    // The script that claims the token is among them, and was held before and after.
    expect(outcomes.filter(({ command }) => /script .*:rt:/.test(command)).length).toBeGreaterThanOrEqual(4);
    process.stdout.write(`a refresh killed at ${outcomes.length} places: ${killed.faults.met.join(', ')}\n`);
  }, 900_000);

  it('a replay: repeated at another gateway it ends the login, its refresh tokens and its access tokens', async () => {
    let used = '';
    let newest: TokenAnswer['body'];
    const prepare = async () => {
      used = String((await login()).refresh_token);
      const second = await refreshAt(other(), used);
      newest = (await refreshAt(other(), second.body.refresh_token)).body;
      return () => refreshAt(killed.url, used);
    };
    const whatIsWrong = async (): Promise<string[]> => {
      const repeated = await refreshAt(other(), used);
      const after = await refreshAt(other(), newest.refresh_token);
      const wrong: string[] = [];
      const check = (isRight: boolean, what: string) => void (isRight || wrong.push(what));
      check(repeated.body.error === 'invalid_grant', `repeated: ${JSON.stringify(repeated.body)}`);
      check(after.body.error === 'invalid_grant', `the newest: ${JSON.stringify(after.body)}`);
      await until('the access token is refused', async () => (await apiStatus(newest.access_token)) === 401).catch(
        (error: unknown) => wrong.push(String(error)),
      );
      check(JSON.stringify(await kept()) === '[0,0]', `kept: ${JSON.stringify(await kept())}`);
      return wrong;
    };
    const { outcomes, unkilled } = await killedEverywhere(prepare, whatIsWrong);
    expect(outcomes.filter(({ wrong }) => wrong.length > 0)).toEqual([]);
    expect(unkilled).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    process.stdout.write(`a replay killed at ${outcomes.length} places: ${killed.faults.met.join(', ')}\n`);
  }, 900_000);

  it('a login: repeated at another gateway it leaves one login that counts', async () => {
    const prepare = async () => {
      await login();
      return () => ask(killed.url, { grant_type: 'password', ...ALICE });
    };
    const whatIsWrong = async (): Promise<string[]> => {
      const body = await login();
      const next = await refreshAt(other(), String(body.refresh_token));
      const state = JSON.stringify(await kept());
      return [...(next.status === 200 ? [] : ['it cannot be refreshed']), ...(state === '[1,1]' ? [] : [state])];
    };
    const { outcomes, unkilled } = await killedEverywhere(prepare, whatIsWrong);
    expect(outcomes.filter(({ wrong }) => wrong.length > 0)).toEqual([]);
    expect(unkilled.status).toBe(200);
  }, 900_000);
});
