import { jest } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import {
  ChannelKeys,
  ChannelUnavailable,
  InMemoryConfigChannel,
  LEASE_MS,
  LEASES_PER_LOOK,
  sealLease,
  type LeaseState,
  type LogPosition,
} from '#libs/config-distribution';
import { ReplaceableChannel } from '#libs/config-distribution/testing';
import { GatewayAnswers } from './gateway-answers.ts';
import type { LeaseReport } from './lease-reports.ts';

const keys = new ChannelKeys('test', randomBytes(32));
const question = { proxyId: 'p', kind: 'publish', deployment: 7, position: { epoch: 'log', sequence: 3 } } as const;
/** Longer than any test: what ends before ended by itself. */
const LONG_MS = 60_000;

/** Counts what is read, and loses hints when it is told to. */
class CountedChannel extends ReplaceableChannel {
  looks = 0;
  leasesRead = 0;
  atOnce = 0;
  mostAtOnce = 0;
  losesHints = false;
  watches = 0;

  override leaseTimes = async () => {
    this.looks += 1;
    return this.counted(() => this.server.leaseTimes());
  };

  override leasesOf = async (gatewayIds: readonly string[]) => {
    this.leasesRead += gatewayIds.length;
    return this.counted(() => this.server.leasesOf(gatewayIds));
  };

  override async watch(topic: 'changes' | 'leases', onHint: (message: string | undefined) => void) {
    this.watches += 1;
    const watch = await super.watch(topic, (message) => (this.losesHints ? undefined : onHint(message)));
    return { close: () => watch.close().then(() => void (this.watches -= 1)) };
  }

  private async counted<Value>(read: () => Promise<Value>): Promise<Value> {
    if (this.isAway) throw new ChannelUnavailable('test', new Error('connect ECONNREFUSED'));
    this.atOnce += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.atOnce);
    try {
      // Other questions and hints come in while it reads.
      await new Promise((resolve) => setImmediate(resolve));
      return await read();
    } finally {
      this.atOnce -= 1;
    }
  }
}

let nowMs: number;
let channel: CountedChannel;
let answers: GatewayAnswers;
let reports: LeaseReport[];

beforeEach(() => {
  nowMs = 1_000_000;
  channel = new CountedChannel(new InMemoryConfigChannel(() => nowMs));
  reports = [];
  answers = new GatewayAnswers(
    'test',
    channel,
    keys,
    (report) => reports.push(report),
    () => nowMs,
  );
});
afterEach(async () => {
  jest.useRealTimers();
  await answers.close();
});

async function says(gatewayId: string, news: Partial<LeaseState> = {}): Promise<void> {
  nowMs += 1;
  const state = {
    ...{ gatewayId, programVersion: '1', address: '', startedAt: '', deployment: 0, loaded: null },
    ...{ handled: [], unsettled: [], rejected: [], ...news },
  };
  await channel.server.renewLease(gatewayId, sealLease(keys, state));
}

const loaded = (sequence: number): { loaded: LogPosition } => ({ loaded: { epoch: 'log', sequence } });
const gatewayIds = (count: number) => Array.from({ length: count }, (_one, index) => `gateway-${index}`);

/** Ends once a look that began now is over: whoever waited before it has heard of everything until now. */
const looked = () => answers.live();

describe('the answers of the gateways', () => {
  it('end the waiting when the last one has come, by a hint alone', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'performance'] });
    await says('one');
    await says('two', loaded(3));
    const waiting = answers.collect(question, LONG_MS);
    await looked();
    const { looks } = channel;
    await says('one', { handled: [7] });
    expect(await waiting).toMatchObject({ live: 2, applied: 2, pending: 0, gone: 0 });
    // The one lease was read, and not who else lives.
    expect(channel.looks).toBe(looks);
  });

  it('are found without a hint', async () => {
    await says('one');
    const waiting = answers.collect(question, LONG_MS);
    await looked();
    channel.losesHints = true;
    await says('one', loaded(3));
    expect(await waiting).toMatchObject({ live: 1, applied: 1 });
  });

  it('of a gateway that nobody knew yet count too', async () => {
    await says('one');
    const waiting = answers.collect(question, LONG_MS);
    await looked();
    await says('new');
    await says('one', loaded(3));
    await looked();
    await says('new', loaded(3));
    expect(await waiting).toMatchObject({ live: 2, applied: 2 });
  });

  it('are waited for no longer when the gateway ends its lease, or falls silent', async () => {
    for (const id of ['leaving', 'silent', 'staying']) await says(id);
    const waiting = answers.collect(question, LONG_MS);
    await looked();
    nowMs += LEASE_MS;
    await says('leaving');
    await says('staying', loaded(3));
    await looked();
    await channel.server.endLease('leaving');
    expect(await waiting).toMatchObject({ live: 1, applied: 1, pending: 0, gone: 2 });
  });

  it('are not waited for when the gateway ended while nobody asked', async () => {
    await says('one');
    await looked();
    await channel.server.endLease('one');
    expect(await answers.collect(question, LONG_MS)).toMatchObject({ live: 0, pending: 0 });
  });

  it('are waited for when Redis lost the leases, which nobody ended: until they are renewed, or time is over for them', async () => {
    for (const id of ['back', 'never back']) await says(id);
    const waiting = answers.collect(question, LONG_MS);
    let isOver = false;
    void waiting.then(() => (isOver = true));
    await looked();
    channel.server = new InMemoryConfigChannel(() => nowMs);
    await looked();
    expect([isOver, (await answers.live()).length]).toEqual([false, 2]);
    await says('back', { rejected: [{ proxyId: 'p', deployment: 7, reason: 'no' }] });
    await looked();
    expect(isOver).toBe(false);
    nowMs += LEASE_MS;
    await says('back', { rejected: [{ proxyId: 'p', deployment: 7, reason: 'no' }] });
    expect(await waiting).toMatchObject({ live: 1, rejected: 1, gone: 1 });
  });

  it('are counted as far as they have come when the time is over', async () => {
    await says('one', loaded(3));
    await says('two');
    const count = await answers.collect(question, 1);
    expect(count).toMatchObject({ live: 2, applied: 1, pending: 1 });
    expect(count.details.map(({ gatewayId, outcome }) => [gatewayId, outcome])).toEqual([
      ['one', 'applied'],
      ['two', 'pending'],
    ]);
  });

  it('are counted as far as they have come when nobody is to be waited for', async () => {
    await says('one');
    const waiting = answers.collect(question, LONG_MS);
    answers.hurry();
    expect(await waiting).toMatchObject({ live: 1, pending: 1 });
    expect(await answers.collect(question, LONG_MS)).toMatchObject({ live: 1, pending: 1 });
  });

  it('are counted at once when the question is taken back', async () => {
    await says('one');
    const taken = new AbortController();
    const waiting = answers.collect(question, LONG_MS, taken.signal);
    await looked();
    taken.abort();
    expect(await waiting).toMatchObject({ live: 1, pending: 1 });
    expect(await answers.collect(question, LONG_MS, taken.signal)).toMatchObject({ live: 0, pending: 0 });
  });

  it('are not to be had while Redis is away, and are when it is back', async () => {
    await says('one');
    const waiting = [answers.collect(question, LONG_MS), answers.collect(question, LONG_MS)];
    await looked();
    channel.isAway = true;
    const fates = await Promise.allSettled([...waiting, answers.live()]);
    for (const fate of fates) {
      expect(fate).toMatchObject({ status: 'rejected', reason: { code: 'CHANNEL_UNAVAILABLE' } });
    }
    channel.isAway = false;
    await says('one', loaded(3));
    expect(await answers.collect(question, LONG_MS)).toMatchObject({ live: 1, applied: 1 });
  });

  it('are not to be had any more once it is closed', async () => {
    await says('one');
    const waiting = answers.collect(question, LONG_MS);
    await looked();
    const told = expect(waiting).rejects.toThrow(ChannelUnavailable);
    await answers.close();
    await told;
    await expect(answers.collect(question, LONG_MS)).rejects.toThrow('the Redis of environment test cannot be reached');
    expect(channel.watches).toBe(0);
  });

  it('do not count where a lease was not sealed here; that is reported once for each gateway id', async () => {
    await says('one', loaded(3));
    const lie = sealLease(new ChannelKeys('test', randomBytes(32)), {
      ...{ gatewayId: 'liar', programVersion: '1', address: '', startedAt: '', deployment: 0, loaded: null },
      ...{ handled: [7], unsettled: [], rejected: [] },
    });
    for (const text of [lie, 'garbage']) {
      nowMs += 1;
      await channel.server.renewLease('liar', text);
      expect(await answers.collect(question, LONG_MS)).toMatchObject({ live: 1, applied: 1 });
      expect(await channel.server.leasesOf(['liar'])).toEqual([]);
    }
    expect(reports).toEqual([
      { problem: 'foreign', count: 1, isNews: true, gatewayIds: ['liar'] },
      { problem: 'foreign', count: 1, isNews: false, gatewayIds: [] },
    ]);
  });
});

describe('a lease that somebody puts back whose gateway ended', () => {
  const replayed = async (news: Partial<LeaseState>) => {
    await says('gone', news);
    const [{ sealed } = { sealed: '' }] = await channel.server.leasesOf(['gone']);
    await channel.server.endLease('gone');
    return () => channel.server.renewLease('gone', sealed);
  };

  it.each([
    ['says when it was renewed', () => ({ renewedAtMs: nowMs })],
    ['is of a gateway of an earlier build, which does not', () => ({})],
  ])('lives on for ten seconds at most when it %s, and is reported', async (_what, news) => {
    const putBack = await replayed(news());
    for (let second = 0; second < 12; second += 1) {
      await putBack();
      await answers.live();
      nowMs += 1_000;
    }
    await putBack();
    expect(await answers.live()).toEqual([]);
    expect(await answers.collect(question, LONG_MS)).toMatchObject({ live: 0, pending: 0 });
    expect(reports).toEqual([{ problem: 'old', count: 1, isNews: true, gatewayIds: ['gone'] }]);
  });

  it('is not waited for when a hint brings it, late, in the place of a newer one', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'performance'] });
    const putBack = await replayed({ ...loaded(2), renewedAtMs: nowMs });
    nowMs += 11_000;
    await says('gone', { ...loaded(2), renewedAtMs: nowMs });
    const waiting = answers.collect(question, LONG_MS);
    await looked();
    const { looks } = channel;
    await putBack();
    expect(await waiting).toMatchObject({ live: 0, pending: 0 });
    expect(channel.looks).toBe(looks);
  });

  it('is not believed when it is of the time before the gateway was upgraded, but one of a gateway taken back is', async () => {
    const putBack = await replayed({ startedAt: '2026-01-01T00:00:00.000Z' });
    await says('gone', { startedAt: '2026-01-02T00:00:00.000Z', renewedAtMs: nowMs });
    expect(await answers.live()).toHaveLength(1);
    await putBack();
    expect(await answers.live()).toEqual([]);
    await says('gone', { startedAt: '2026-01-03T00:00:00.000Z' });
    expect(await answers.live()).toHaveLength(1);
  });
});

describe('a flood of leases', () => {
  it('is read in parts and taken away, reported in one line per look, and makes no gateway that is known be forgotten', async () => {
    await says('one', loaded(3));
    await looked();
    const junk = 2.5 * LEASES_PER_LOOK;
    nowMs += LEASE_MS;
    // All of it stands before the one that is genuine.
    channel.server = new InMemoryConfigChannel(() => nowMs);
    for (let index = 0; index < junk; index += 1) await channel.server.renewLease(`junk-${index}`, 'junk');
    await says('one', loaded(3));
    const before = channel.leasesRead;
    await looked();
    expect(channel.leasesRead - before).toBeLessThanOrEqual(2 * LEASES_PER_LOOK);
    expect(await answers.collect(question, LONG_MS)).toMatchObject({ live: 1, applied: 1 });
    await looked();
    await looked();
    expect((await channel.server.leaseTimes()).renewedAtMs.size).toBeLessThanOrEqual(1);
    expect(reports.length).toBeLessThanOrEqual(6);
    expect(reports.reduce((sum, { problem, count }) => sum + (problem === 'foreign' ? count : 0), 0)).toBe(junk);
    expect(reports.some(({ problem, isNews }) => problem === 'flood' && isNews)).toBe(true);
    for (const { gatewayIds: named } of reports) expect(named.length).toBeLessThanOrEqual(5);
  });
});

describe('what is read of leases', () => {
  it('is bounded however many wait: each renewal is read a few times, and never twice at once', async () => {
    const [gateways, deployments] = [200, 50];
    for (const id of gatewayIds(gateways)) await says(id);
    const waiting = Array.from({ length: deployments }, (_one, index) =>
      answers.collect({ ...question, deployment: 100 + index }, LONG_MS),
    );
    await looked();
    const before = channel.leasesRead;
    expect(before).toBe(gateways);
    for (const id of gatewayIds(gateways)) await says(id, loaded(3));
    for (const count of await Promise.all(waiting)) expect(count).toMatchObject({ live: gateways, applied: gateways });
    // Once for the hint, and once more for a look at all that came in between.
    expect(channel.leasesRead - before).toBeLessThanOrEqual(2 * gateways);
    expect(channel.mostAtOnce).toBe(1);
    expect(channel.watches).toBe(1);
  });

  it('is nothing of what did not change', async () => {
    for (const id of gatewayIds(20)) await says(id, loaded(3));
    for (let round = 0; round < 5; round += 1)
      expect(await answers.collect(question, LONG_MS)).toMatchObject({ live: 20 });
    expect(channel.leasesRead).toBe(20);
  });

  it('is nothing while nobody waits', async () => {
    await says('one', loaded(3));
    await answers.collect(question, LONG_MS);
    const { looks, leasesRead } = channel;
    await says('one', loaded(4));
    await says('two', loaded(4));
    await new Promise((resolve) => setImmediate(resolve));
    expect([channel.looks, channel.leasesRead]).toEqual([looks, leasesRead]);
    expect(await answers.collect(question, LONG_MS)).toMatchObject({ live: 2, applied: 2 });
  });
});
