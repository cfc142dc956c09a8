import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import type { RefreshTokenRules, RefreshTokenSubject } from '../refresh-token-store.port.ts';
import { T0_MS, rulesWith, someSubject, successorOf, tokenOf } from '../testing/index.ts';
import { RedisRefreshTokenStore } from './redis-refresh-token-store.ts';

// eslint-disable-next-line no-restricted-syntax -- set by the test run's global setup; this file is in no build
const redisUrl = process.env['TEST_REDIS_URL'];
if (redisUrl === undefined) throw new Error('TEST_REDIS_URL is not set: run the integration project of the tests');

const MINUTE_MS = 60_000;
const environment = `test-${randomBytes(6).toString('hex')}`;
const redis = new Redis(redisUrl);
const store = new RedisRefreshTokenStore(redis, environment, randomBytes(32));
let subject: RefreshTokenSubject;
beforeEach(() => (subject = someSubject()));
afterAll(async () => {
  await redis.unlink(...(await redis.keys(`gw:${environment}*`)));
  redis.disconnect();
});

const login = async (changes: Partial<RefreshTokenRules> = {}, nowMs = T0_MS): Promise<string> =>
  tokenOf(await store.issue(subject, rulesWith(changes), nowMs));
const prefixOf = (token: string): string => `gw:${environment}:rt:{${token.slice(0, 22)}}`;

/** What is left to the three keys of an owner, in milliseconds. */
const ownersKeys = (token: string): Promise<number[]> =>
  Promise.all(['families', 'active', 'order'].map((name) => redis.pttl(`${prefixOf(token)}:${name}`)));
const familysKey = async (token: string, name: 'successor' | 'reused'): Promise<string> => {
  const [key = ''] = await redis.keys(`${prefixOf(token)}:${name}:*`);
  return key;
};

describe('the keys of an owner', () => {
  it('outlive the last token, for gateways whose clocks are behind', async () => {
    const token = await login({ lifeMs: MINUTE_MS });
    for (const leftMs of await ownersKeys(token)) expect(leftMs).toBeGreaterThan(1.5 * MINUTE_MS);
  });

  it('live longer after a rotation that lives longer, and no shorter after one that does not', async () => {
    const [long, short] = [await login({ lifeMs: 5 * MINUTE_MS }), await login({ lifeMs: MINUTE_MS })];
    const next = successorOf(await store.rotate(short, subject, rulesWith({ lifeMs: MINUTE_MS }), T0_MS));
    for (const leftMs of await ownersKeys(long)) expect(leftMs).toBeGreaterThan(5 * MINUTE_MS);
    await store.rotate(next, subject, rulesWith({ lifeMs: 30 * MINUTE_MS }), T0_MS);
    for (const leftMs of await ownersKeys(long)) expect(leftMs).toBeGreaterThan(30 * MINUTE_MS);
  });

  it('take a life as long as a policy can say', async () => {
    const longest = rulesWith({ lifeMs: 2 ** 53 });
    const issue = await store.issue(subject, longest, T0_MS);
    expect(issue).toMatchObject({ expiresAtMs: Number.MAX_SAFE_INTEGER });
    const rotation = await store.rotate(tokenOf(issue), subject, longest, T0_MS);
    expect(rotation).toMatchObject({ kind: 'rotated', expiresAtMs: Number.MAX_SAFE_INTEGER });
    expect(await store.activeCount(subject, T0_MS)).toBe(1);
  });

  it('still let a user in where one was lost', async () => {
    const token = await login();
    await redis.del(`${prefixOf(token)}:order`);
    expect(await store.issue(subject, rulesWith({ activeCount: 1 }), T0_MS)).toMatchObject({ kind: 'issued' });
    expect(await store.activeCount(subject, T0_MS)).toBe(1);
  });
});

describe('the keys of a family', () => {
  it('hold the successor no longer than the grace, and a reuse for as long as the family would have lived', async () => {
    const token = await login({ lifeMs: 5 * MINUTE_MS });
    const rules = rulesWith({ lifeMs: 10 * MINUTE_MS });
    await store.rotate(token, subject, rules, T0_MS);
    expect(await redis.pttl(await familysKey(token, 'successor'))).toBeLessThanOrEqual(rules.graceMs);
    await store.rotate(token, subject, rules, T0_MS + MINUTE_MS);
    const leftMs = await redis.pttl(await familysKey(token, 'reused'));
    expect(leftMs).toBeGreaterThan(8 * MINUTE_MS);
    expect(leftMs).toBeLessThanOrEqual(9 * MINUTE_MS);
  });

  it('end the login where the successor is lost: what was given cannot be given again', async () => {
    const token = await login();
    const successor = successorOf(await store.rotate(token, subject, rulesWith(), T0_MS));
    await redis.del(await familysKey(token, 'successor'));
    expect(await store.rotate(token, subject, rulesWith(), T0_MS)).toMatchObject({ kind: 'reused' });
    expect(await store.rotate(successor, subject, rulesWith(), T0_MS)).toMatchObject({ kind: 'reused' });
  });
});

describe('logins of one owner', () => {
  it('are in the order in which they came, whatever the clocks of their gateways said', async () => {
    const [first, second] = [await login({}, T0_MS + 5_000), await login({}, T0_MS)];
    await login({ activeCount: 2 }, T0_MS + 1);
    expect(await store.inspect(first, subject, T0_MS)).toEqual({ kind: 'unknown' });
    expect(await store.inspect(second, subject, T0_MS)).toMatchObject({ kind: 'live' });
  });

  it('that expired go a hundred at a time, and all of them where there is a count', async () => {
    const short = { lifeMs: 1_000 };
    const expired = await Promise.all(Array.from({ length: 220 }, () => login(short)));
    const held = () => redis.hlen(`${prefixOf(expired[0] ?? '')}:families`);
    await login(short, T0_MS + 1_000);
    expect(await held()).toBe(121);
    await login({ ...short, activeCount: 5 }, T0_MS + 1_000);
    expect(await held()).toBe(2);
  });
});
