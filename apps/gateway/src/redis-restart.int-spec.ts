import { randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { RedisConfigChannel, RedisKeySetShelf } from '#libs/config-distribution';
import { startRedis, type RunningServer } from '../../../test/support/own-redis.ts';
import { RedisRefreshTokenStore } from '#libs/refresh-token-store';
import { rulesWith, someSubject, T0_MS, tokenOf } from '#libs/refresh-token-store/testing';
import { RedisRevocationLedger } from '#libs/token-revocations';
import { readAll, someRevocation } from '#libs/token-revocations/testing';
import { RedisLoginThrottle } from './token-endpoint/identity/login-throttle/redis-login-throttle.ts';

/** Of each kind that a test writes, half before the moment that a copy is taken at and half after it. */
const WRITTEN = 20;
const LIMITS = { failuresPerName: 100, failuresPerAddress: 1_000, blockMs: 600_000 };
const ALICE = { name: 'alice', clientAddress: '192.0.2.1' };
const ENVIRONMENT = 'restarted';
const key = randomBytes(32);

/** Everything that an environment keeps in its Redis, written and read as the programs do it. */
class Kept {
  readonly #channel: RedisConfigChannel;
  readonly #tokens: RedisRefreshTokenStore;
  readonly #ledger: RedisRevocationLedger;
  readonly #throttle: RedisLoginThrottle;
  readonly #shelf: RedisKeySetShelf;

  constructor(redis: Redis) {
    this.#channel = new RedisConfigChannel(redis, ENVIRONMENT);
    this.#tokens = new RedisRefreshTokenStore(redis, ENVIRONMENT, key);
    this.#ledger = new RedisRevocationLedger(redis, ENVIRONMENT, key);
    this.#throttle = new RedisLoginThrottle(redis, { environment: ENVIRONMENT, key, kind: 'password', limits: LIMITS });
    this.#shelf = new RedisKeySetShelf(redis, { environment: ENVIRONMENT, keepMs: 600_000 });
  }

  /** One of each kind; gives the login. */
  async writeOne(number: number): Promise<string> {
    await this.#channel.publish({ proxyId: `p${number}`, deployment: number + 1, record: 'r', artifact: 'a' });
    await this.#channel.putIdentity({ kind: 'credential', subject: `user ${number}`, version: 1, sealed: 's' });
    await this.#ledger.record([someRevocation({ value: `token ${number}` })], T0_MS);
    await this.#throttle.failed(ALICE);
    await this.#shelf.replace({ origin: 'policy', name: `set ${number}` }, undefined, 'attempt', 'document');
    return tokenOf(await this.#tokens.issue(someSubject(), rulesWith(), T0_MS));
  }

  /** How many of each kind are not there any more. */
  async lost(logins: readonly string[]) {
    const numbers = logins.map((_, number) => number);
    const artifacts = await this.#channel.artifacts(numbers.map((number) => `p${number}`));
    const { found: users } = await this.#channel.identities(
      'credential',
      numbers.map((number) => `user ${number}`),
    );
    const documents = numbers.map((number) => this.#shelf.document({ origin: 'policy', name: `set ${number}` }));
    const standing = await this.#throttle.standing(ALICE);
    const expected = { issuer: undefined };
    const looks = logins.map((token) => this.#tokens.inspect(token, { ...someSubject(), ...expected }, T0_MS));
    return {
      deployments: logins.length - artifacts.size,
      users: logins.length - users.size,
      logins: (await Promise.all(looks)).filter(({ kind }) => kind === 'unknown').length,
      revocations: logins.length - (await readAll(this.#ledger)).revocations.length,
      loginFailures: logins.length - (standing.kind === 'open' ? standing.failures : 0),
      keySets: (await Promise.all(documents)).filter((text) => text === undefined).length,
    };
  }
}

const ofEach = (count: number) => ({
  ...{ deployments: count, users: count, logins: count, revocations: count, loginFailures: count, keySets: count },
});

describe('what a restart of Redis loses', () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-restart-'));
  const dataDir = path.join(directory, 'data');
  const copyDir = path.join(directory, 'copy');
  let server: RunningServer;
  let redis: Redis;
  const begin = async (appendOnly: boolean): Promise<Kept> => {
    server = await startRedis({ dataDir, appendOnly });
    redis = new Redis(server.url);
    return new Kept(redis);
  };
  /** At once, as by a power cut, though what was handed to the system stays written. */
  const kill = async (): Promise<void> => {
    redis.disconnect();
    process.kill(server.pid, 'SIGKILL');
    await server.exited;
  };
  const write = async (kept: Kept, onHalf: () => void = () => undefined): Promise<string[]> => {
    const logins: string[] = [];
    for (let number = 0; number < WRITTEN; number += 1) {
      if (number === WRITTEN / 2) onHalf();
      logins.push(await kept.writeOne(number));
    }
    return logins;
  };

  beforeEach(() => rmSync(directory, { recursive: true, force: true }));
  afterEach(async () => {
    redis.disconnect();
    await server.stop();
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('is nothing when its process is killed and it appends to a file, once a second on disk', async () => {
    const logins = await write(await begin(true));
    await kill();
    expect(await (await begin(true)).lost(logins)).toEqual(ofEach(0));
  });

  it('is what the disk had not got yet when the machine goes down', async () => {
    // What Redis itself never handed to the disk in its last second is cut off here by an older copy of its files.
    const logins = await write(await begin(true), () => cpSync(dataDir, copyDir, { recursive: true }));
    await kill();
    rmSync(dataDir, { recursive: true });
    cpSync(copyDir, dataDir, { recursive: true, filter: (file) => !/redis\.(?:pid|lock)$/.test(file) });
    expect(await (await begin(true)).lost(logins)).toEqual(ofEach(WRITTEN / 2));
  });

  it('is everything when it keeps nothing', async () => {
    const logins = await write(await begin(false));
    await kill();
    expect(await (await begin(false)).lost(logins)).toEqual(ofEach(WRITTEN));
  });
});
