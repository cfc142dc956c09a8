import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { Redis } from 'ioredis';
import { RefreshTokenStoreUnavailable } from '../refresh-token-store.port.ts';
import { T0_MS, rulesWith, someSubject, successorOf, tokenOf } from '../testing/index.ts';
import { until } from '../../../../test/support/until.ts';
import { RedisRefreshTokenStore } from './redis-refresh-token-store.ts';

// A dependency of ioredis, which ships no types: the slot a Redis Cluster gives a key (CRC16 of its tag).
const slotOf = createRequire(import.meta.url)('cluster-key-slot') as (key: string) => number;

// eslint-disable-next-line no-restricted-syntax -- set by the test run's global setup; this file is in no build
const redisUrl = process.env['TEST_REDIS_URL'];
if (redisUrl === undefined) throw new Error('TEST_REDIS_URL is not set: run the integration project of the tests');

/** Loses one command on its way, or the answer to it, as a connection does that breaks there. */
class LossyRedis extends Redis {
  /** Keys of every command of a step that was sent. */
  readonly sent: string[][] = [];
  private losing: { readonly what: 'command' | 'answer'; left: number } | undefined;

  /** The `nth` command from now on, counted from 1. */
  loseNext(what: 'command' | 'answer', nth: number): void {
    this.losing = { what, left: nth };
  }

  /** Whether it came to the loss. */
  stopLosing(): boolean {
    const hasLost = this.losing?.left === 0;
    this.losing = undefined;
    return hasLost;
  }

  override sendCommand(...args: Parameters<Redis['sendCommand']>): unknown {
    const [command] = args;
    const keys = command.getKeys().map(String);
    // Counted for people beside the steps, whenever that is.
    if (!keys.some((name) => name.includes('{'))) return super.sendCommand(...args);
    this.sent.push(keys);
    if (this.losing === undefined || this.losing.left === 0) return super.sendCommand(...args);
    this.losing.left -= 1;
    if (this.losing.left > 0) return super.sendCommand(...args);
    const lost = (): never => {
      throw new Error('the connection broke');
    };
    return this.losing.what === 'command'
      ? Promise.resolve().then(lost)
      : (super.sendCommand(...args) as Promise<unknown>).then(lost);
  }
}

const key = randomBytes(32);
const environment = `test-${randomBytes(6).toString('hex')}`;
const lossy = new LossyRedis(redisUrl);
const redis = new Redis(redisUrl);
const atLossy = new RedisRefreshTokenStore(lossy, environment, key);
const other = new RedisRefreshTokenStore(redis, environment, key);
const rules = rulesWith({ activeCount: 2 });

/** Each script's text is sent once; from then on a step is as many commands as it has. */
beforeAll(async () => {
  const subject = someSubject();
  const token = tokenOf(await atLossy.issue(subject, rules, T0_MS));
  await atLossy.rotate(token, subject, rules, T0_MS);
  await atLossy.revokeToken(token);
  await atLossy.revokeSubject(subject);
});

afterAll(async () => {
  const left = await redis.keys(`gw:${environment}*`);
  if (left.length > 0) await redis.unlink(...left);
  for (const connection of [lossy, redis]) connection.disconnect();
});

/** Does the step with its n-th command or answer lost, for every n that there is. */
async function loseEach(step: () => Promise<unknown>, afterwards: (nth: string) => Promise<void>): Promise<string[]> {
  const tried: string[] = [];
  for (const what of ['command', 'answer'] as const) {
    for (let nth = 1; ; nth += 1) {
      lossy.loseNext(what, nth);
      const failure: unknown = await step().then(
        () => undefined,
        (error: unknown) => error,
      );
      if (!lossy.stopLosing()) break;
      expect(failure).toBeInstanceOf(RefreshTokenStoreUnavailable);
      tried.push(`${what} ${nth}`);
      await afterwards(`${what} ${nth}`);
    }
  }
  return tried;
}

describe('a step of which a command or an answer was lost', () => {
  it.each(['text', 'look'] as const)('a refresh by %s can be repeated at another gateway', async (by) => {
    let subject = someSubject();
    let token = '';
    const refresh = async (): Promise<unknown> => {
      subject = someSubject();
      token = tokenOf(await other.issue(subject, rules, T0_MS));
      const looked = by === 'look' ? await other.inspect(token, subject, T0_MS) : undefined;
      return atLossy.rotate(looked?.kind === 'live' ? looked.seen : token, subject, rules, T0_MS);
    };
    const tried = await loseEach(refresh, async (lost) => {
      const last = by === 'look' ? 'answer 1' : 'answer 2';
      const again = await other.rotate(token, subject, rules, T0_MS + 1);
      expect([lost, again.kind]).toEqual([lost, lost === last ? 'repeated' : 'rotated']);
      expect(await other.familiesOf(subject, T0_MS + 1)).toMatchObject([{ uses: 1 }]);
      expect(await other.rotate(successorOf(again), subject, rules, T0_MS + 2)).toMatchObject({ kind: 'rotated' });
    });
    const commands = by === 'look' ? [1] : [1, 2];
    expect(tried).toEqual(['command', 'answer'].flatMap((what) => commands.map((nth) => `${what} ${nth}`)));
  });

  it.each(['REVOKE_OLDEST', 'REJECT'] as const)(
    'a login keeps the count when it is repeated (%s)',
    async (limitAction) => {
      let subject = someSubject();
      const limit = rulesWith({ activeCount: 2, limitAction });
      const tried = await loseEach(
        () => atLossy.issue((subject = someSubject()), limit, T0_MS),
        async () => {
          await until('nothing counts', async () => (await other.activeCount(subject, T0_MS)) === 0);
          for (const again of [1, 2]) {
            expect([again, await other.issue(subject, limit, T0_MS)]).toMatchObject([again, { kind: 'issued' }]);
          }
          expect(await other.activeCount(subject, T0_MS)).toBe(2);
        },
      );
      expect(tried).toEqual(['command 1', 'answer 1']);
    },
  );

  it('a revocation is whole or not there, and can be repeated', async () => {
    let subject = someSubject();
    let token = '';
    const revoke = async (): Promise<unknown> => {
      subject = someSubject();
      token = successorOf(await other.rotate(tokenOf(await other.issue(subject, rules, T0_MS)), subject, rules, T0_MS));
      return atLossy.revokeToken(token);
    };
    const tried = await loseEach(revoke, async (lost) => {
      expect(await other.activeCount(subject, T0_MS)).toBe(lost === 'answer 1' ? 0 : 1);
      expect(await other.revokeToken(token)).toBe(lost !== 'answer 1');
      expect(await redis.keys(`gw:${environment}:rt:{${token.slice(0, 22)}}:*`)).toEqual([]);
    });
    expect(tried).toEqual(['command 1', 'answer 1']);
  });
});

describe('a step that the server comes to only after its caller was refused', () => {
  const REFUSED_AFTER_MS = 50;
  /** Everything sent over this connection is carried out once `carryOut` was called. */
  const stalled = async () => {
    const connection = new Redis(redisUrl);
    const at = new RedisRefreshTokenStore(connection, environment, key, { answerTimeoutMs: REFUSED_AFTER_MS });
    const stall = (): (() => Promise<void>) => {
      const gate = `gw:${environment}:gate:${randomBytes(6).toString('hex')}`;
      const open = connection.blpop(gate, 0);
      return async () => {
        await redis.lpush(gate, 'open');
        await open;
        await connection.ping();
        connection.disconnect();
      };
    };
    return { at, stall };
  };
  const serverMs = async (): Promise<number> => {
    const [seconds = 0, microseconds = 0] = (await redis.time()).map(Number);
    return seconds * 1_000 + microseconds / 1_000;
  };

  it('a refresh is not done, so that the client can refresh later than the grace', async () => {
    const subject = someSubject();
    const { at, stall } = await stalled();
    const token = tokenOf(await other.issue(subject, rules, T0_MS));
    const looked = await at.inspect(token, subject, T0_MS);
    const carryOut = stall();
    const refresh = at.rotate(looked.kind === 'live' ? looked.seen : token, subject, rules, T0_MS);
    await expect(refresh).rejects.toThrow(RefreshTokenStoreUnavailable);
    const refusedAtMs = await serverMs();
    await until('it is late by any rounding', async () => (await serverMs()) > refusedAtMs + 2);
    await carryOut();
    expect(await other.rotate(token, subject, rules, T0_MS + rules.graceMs)).toMatchObject({ kind: 'rotated' });
  });

  it('a login counts for nobody', async () => {
    const subject = someSubject();
    const limit = rulesWith({ activeCount: 1, limitAction: 'REJECT' });
    const { at, stall } = await stalled();
    const carryOut = stall();
    await expect(at.issue(subject, limit, T0_MS)).rejects.toThrow(RefreshTokenStoreUnavailable);
    await carryOut();
    expect(await other.issue(subject, limit, T0_MS)).toMatchObject({ kind: 'issued' });
  });
});

it('every step is one script, after one that reads, and all keys of a user lie in one cluster slot', async () => {
  const subject = someSubject();
  const first = await other.issue(subject, rules, T0_MS);
  const slot = slotOf(`{${tokenOf(first).slice(0, 22)}}`);
  const commandsOf = async (step: () => Promise<unknown>): Promise<number> => {
    lossy.sent.length = 0;
    await step();
    for (const keys of lossy.sent) expect(new Set(keys.map(slotOf))).toEqual(new Set([slot]));
    return lossy.sent.length;
  };
  let token = '';
  expect(await commandsOf(async () => (token = tokenOf(await atLossy.issue(subject, rules, T0_MS))))).toBe(1);
  expect(await commandsOf(() => atLossy.inspect(token, subject, T0_MS))).toBe(1);
  expect(await commandsOf(() => atLossy.rotate(token, subject, rules, T0_MS))).toBe(2);
  const reuse = () => atLossy.rotate(token, subject, rules, T0_MS + 10_000);
  expect(await commandsOf(async () => expect(await reuse()).toMatchObject({ kind: 'reused' }))).toBe(2);
  expect(await commandsOf(() => atLossy.revokeToken(tokenOf(first)))).toBe(1);
  expect(await commandsOf(() => atLossy.revokeFamily(subject, 'none'))).toBe(1);
  expect(await commandsOf(() => atLossy.familiesOf(subject, T0_MS))).toBe(1);
  expect(await commandsOf(() => atLossy.activeCount(subject, T0_MS))).toBe(1);
  expect(await commandsOf(() => atLossy.revokeSubject(subject))).toBe(1);
});
