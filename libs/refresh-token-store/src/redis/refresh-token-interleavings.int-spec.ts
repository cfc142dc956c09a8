import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import type { RefreshTokenRotation, RefreshTokenRules, RefreshTokenSubject } from '../refresh-token-store.port.ts';
import { T0_MS, anyRules, anyStep, compareWithModel, someSubject } from '../testing/index.ts';
import { RedisRefreshTokenStore } from './redis-refresh-token-store.ts';

// eslint-disable-next-line no-restricted-syntax -- set by the test run's global setup; this file is in no build
const redisUrl = process.env['TEST_REDIS_URL'];
if (redisUrl === undefined) throw new Error('TEST_REDIS_URL is not set: run the integration project of the tests');

const key = randomBytes(32);
const environment = `test-${randomBytes(6).toString('hex')}`;
const connections = [new Redis(redisUrl), new Redis(redisUrl), new Redis(redisUrl)] as const;
const [redis] = connections;
/** Three gateways of one environment, each with a connection of its own, and clocks that differ by seconds. */
const gateways = connections.map((connection, index) => ({
  store: new RedisRefreshTokenStore(connection, environment, key, { gatewayId: `gateway-${index}` }),
  aheadMs: [0, 4_000, -3_000][index] ?? 0,
}));
const [first] = gateways as [(typeof gateways)[number]];
const gatewayAt = (index: number): (typeof gateways)[number] => gateways[index % gateways.length] ?? first;

afterAll(async () => {
  const left = await redis.keys(`gw:${environment}*`);
  if (left.length > 0) await redis.unlink(...left);
  for (const connection of connections) connection.disconnect();
});

it('three gateways answer as the reference model in any order of steps', async () => {
  await fc.assert(
    fc.asyncProperty(anyRules, fc.array(anyStep, { maxLength: 40 }), (rules, steps) =>
      compareWithModel(gateways, someSubject(), rules, steps),
    ),
    { numRuns: 150 },
  );
});

/** What many steps at once have given, by the token that was presented. */
class Answers {
  readonly tokens: string[] = [];
  readonly reusedFamilies = new Set<string>();
  private readonly successors = new Map<string, Set<string>>();

  note(token: string, rotation: RefreshTokenRotation): void {
    if (rotation.kind === 'reused') this.reusedFamilies.add(rotation.familyId);
    if (!('token' in rotation)) return;
    this.successors.set(token, (this.successors.get(token) ?? new Set()).add(rotation.token));
    this.tokens.push(rotation.token);
  }

  get mostSuccessors(): number {
    return Math.max(0, ...[...this.successors.values()].map(({ size }) => size));
  }
}

/** One step, picked by a number, at one of the gateways. */
async function playOne(pick: number, nowMs: number, play: Play): Promise<void> {
  const { subject, rules, answers } = play;
  const { store, aheadMs } = gatewayAt(pick);
  const token = answers.tokens[pick % answers.tokens.length] ?? '';
  const atMs = nowMs + aheadMs;
  if (pick % 7 === 0) {
    const issue = await store.issue(subject, rules, atMs);
    if (issue.kind === 'issued') answers.tokens.push(issue.token);
  } else if (pick % 31 === 0) await store.revokeToken(token);
  else if (pick % 97 === 0) await store.revokeSubject(subject);
  else if (pick % 5 === 0) {
    const looked = await store.inspect(token, subject, atMs);
    if (looked.kind === 'live') answers.note(token, await store.rotate(looked.seen, subject, rules, atMs));
  } else answers.note(token, await store.rotate(token, subject, rules, atMs));
}

interface Play {
  readonly subject: RefreshTokenSubject;
  readonly rules: RefreshTokenRules;
  readonly answers: Answers;
}

/** The three collections of an owner name the same families: nothing is half done. */
async function expectWhole(token: string): Promise<void> {
  const prefix = `gw:${environment}:rt:{${token.split('.')[0] ?? ''}}`;
  const families = (await redis.hkeys(`${prefix}:families`)).sort();
  expect((await redis.zrange(`${prefix}:active`, '0', '-1')).sort()).toEqual(families);
  expect((await redis.zrange(`${prefix}:order`, '0', '-1')).sort()).toEqual(families);
}

/** Everything at once; answers cannot be told in advance, but what must never happen can. */
async function playTogether(rules: RefreshTokenRules, picks: readonly number[]): Promise<void> {
  const play = { subject: someSubject(), rules, answers: new Answers() };
  const { subject, answers } = play;
  const limit = rules.activeCount ?? Infinity;
  await Promise.all([7, 14, 28, 35].map((pick) => playOne(pick, T0_MS, play)));
  for (let round = 1; round <= 3; round += 1) {
    const nowMs = T0_MS + round * 4_000;
    const steps = picks.map((pick) => playOne(pick, nowMs, play));
    const counting = Promise.all(gateways.map(({ store }) => store.activeCount(subject, 0)));
    await Promise.all(steps);
    for (const count of await counting) expect(count).toBeLessThanOrEqual(limit);
    expect(await first.store.activeCount(subject, 0)).toBeLessThanOrEqual(limit);
  }
  expect(answers.mostSuccessors).toBeLessThanOrEqual(1);
  const living = (await first.store.familiesOf(subject, 0)).map(({ familyId }) => familyId);
  expect(living.filter((familyId) => answers.reusedFamilies.has(familyId))).toEqual([]);
  const [token] = answers.tokens;
  if (token !== undefined) await expectWhole(token);
}

it('three gateways at once never give two successors, go over the count, or let a reused family live', async () => {
  await fc.assert(fc.asyncProperty(anyRules, fc.array(fc.nat(10_000), { minLength: 5, maxLength: 30 }), playTogether), {
    numRuns: 80,
  });
});
