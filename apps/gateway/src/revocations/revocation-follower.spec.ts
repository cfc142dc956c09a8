import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  InMemoryRevocationLedger,
  NOWHERE,
  RevocationLedgerUnavailable,
  type TokenRevocation,
} from '#libs/token-revocations';
import { readAll } from '#libs/token-revocations/testing';
import { EnvironmentUnderTest, type GatewayUnderTest } from '../config-subscriber/testing/subscriber-rig.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

describe('revocations at a gateway', () => {
  let environment: EnvironmentUnderTest;
  let gateway: GatewayUnderTest;
  beforeEach(async () => {
    environment = await EnvironmentUnderTest.create();
    gateway = environment.start();
  });
  afterEach(() => environment.dispose());

  const ofUser = (name: string, changes: Partial<TokenRevocation> = {}): TokenRevocation => ({
    ...{ by: 'user', value: name, issuedUntilSeconds: null, endsAtMs: environment.nowMs + HOUR_MS },
    ...changes,
  });
  const users = (count: number): readonly TokenRevocation[] =>
    Array.from({ length: count }, (_none, index) => ofUser(`user-${index}`));
  /** As a control plane, or another gateway. */
  const record = (...revocations: readonly TokenRevocation[]) =>
    environment.ledger.record(revocations, environment.nowMs);
  const look = async (afterMs = 1_000): Promise<void> => {
    environment.nowMs += afterMs;
    await gateway.look();
  };
  const restarted = async (): Promise<void> => {
    await gateway.kill();
    gateway = environment.start();
    await gateway.subscriber.restore();
  };
  const known = (): string[] => [...gateway.revocations.known.all()].map(({ value }) => value).sort();
  const held = async (): Promise<string[]> =>
    (await readAll(environment.ledger)).revocations.map(({ value }) => value).sort();
  const claimed = async () => (await gateway.lease())?.obeys?.['revocations'];
  const reports = async (problem: string): Promise<number> => {
    const text = await gateway.metrics.registry.metrics();
    return Number(new RegExp(`problem="${problem}"} (\\d+)`).exec(text)?.[1] ?? 0);
  };
  const file = (): string => path.join(environment.snapshotDir, 'revocations.log');
  const lines = (): string[] => readFileSync(file(), 'utf8').trimEnd().split('\n');

  it('are known after the next look, and the lease says so only then', async () => {
    await look();
    expect(await claimed()).toBe(0);
    const { sequence } = await record(ofUser('alice'));
    expect([known(), await claimed()]).toEqual([[], 0]);
    await look();
    expect([known(), await claimed()]).toEqual([['alice'], sequence]);
  });

  it('are told by the lease of the very look that read them, which has them on disk by then', async () => {
    await look();
    const { sequence } = await record(ofUser('alice'));
    const { renewLease } = environment.channel;
    const kept: number[] = [];
    environment.channel.renewLease = (...lease) => {
      kept.push(lines().length);
      return renewLease(...lease);
    };
    await gateway.look();
    expect([await claimed(), kept]).toEqual([sequence, [2]]);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
  });

  it('are asked for before a gateway that knows nothing of them serves anything', async () => {
    const { server } = environment.ledger;
    environment.ledger.server = { ...server, since: () => Promise.reject(new RevocationLedgerUnavailable('since')) };
    // From now on it knows what is ordered: only revocations are to be waited for.
    await look();
    await environment.publish('orders', 1);
    await server.record([ofUser('alice')], environment.nowMs);
    const served: string[][] = [];
    environment.ledger.server = {
      record: (...all) => server.record(...all),
      since: async (position) => {
        for (let turn = 0; turn < 20; turn += 1) await new Promise((done) => setImmediate(done));
        served.push(gateway.served);
        return server.since(position);
      },
    };
    await look();
    expect([served, gateway.served, known()]).toEqual([[[]], ['orders'], ['alice']]);
  });

  it('are not live before they were read once, and not when only they cannot be read', async () => {
    const { server } = environment.ledger;
    environment.ledger.server = {
      record: (...all) => server.record(...all),
      since: () => Promise.reject(new RevocationLedgerUnavailable('since')),
    };
    await environment.publish('orders', 1);
    await look();
    expect([gateway.contact.isLive, gateway.contact.ageMs, gateway.served]).toEqual([false, Infinity, []]);
    environment.ledger.server = server;
    await look();
    expect([gateway.contact.isLive, gateway.served]).toEqual([true, ['orders']]);
    environment.ledger.server = { ...server, since: () => Promise.reject(new RevocationLedgerUnavailable('since')) };
    await look();
    expect([gateway.contact.isLive, gateway.contact.ageMs]).toEqual([false, 1_000]);
    expect(gateway.log.at('error')).toEqual([]);
  });

  it('are known from disk after a restart without Redis, and read on from there', async () => {
    await environment.publish('orders', 1);
    await record(ofUser('alice'));
    await look();
    await record(ofUser('bob'));
    await look();
    environment.channel.isAway = true;
    await restarted();
    expect([known(), gateway.served, gateway.isReady]).toEqual([['alice', 'bob'], ['orders'], true]);
    environment.channel.isAway = false;
    const { sequence } = await record(ofUser('carol'));
    await look();
    expect([known(), await claimed()]).toEqual([['alice', 'bob', 'carol'], sequence]);
    environment.channel.isAway = true;
    await restarted();
    expect(known()).toEqual(['alice', 'bob', 'carol']);
  });

  it('cost one line on disk for all that a look brought', async () => {
    await look();
    await record(...users(700));
    await look();
    await record(ofUser('late'));
    await look();
    await look();
    expect(lines()).toHaveLength(3);
  });

  it('are written anew when most of what is on disk has ended', async () => {
    const counts: number[] = [];
    for (let round = 0; round < 4; round += 1) {
      await record(...users(900).map(({ value }) => ofUser(`${round}-${value}`, { endsAtMs: environment.nowMs + 1 })));
      await look(0);
      counts.push(lines().length);
      await look(MINUTE_MS);
    }
    await record(ofUser('lasting'));
    await look();
    expect([counts, known()]).toEqual([[2, 3, 4, 2], ['lasting']]);
    environment.channel.isAway = true;
    await restarted();
    expect(known()).toEqual(['lasting']);
  });

  const spoilt: [string, (text: string) => string, 'broken' | 'altered', string[]][] = [
    ['has no head', (text) => text.slice(text.indexOf('\n') + 1), 'broken', []],
    ['is empty', () => '', 'broken', []],
    ['lacks a line', (text) => text.split('\n').toSpliced(1, 1).join('\n'), 'altered', []],
    ['has a line twice', (text) => text.replace(/\n([^\n]*)\n/, '\n$1\n$1\n'), 'altered', ['alice']],
    ['has a line that was altered', (text) => text.replace(/s1\..../, 's1.AAAA'), 'altered', ['bob']],
  ];
  it.each(spoilt)(
    'that open are used from a file that %s; the rest is read from Redis',
    async (_how, spoil, problem, left) => {
      await environment.publish('orders', 1);
      await record(ofUser('alice'));
      await look();
      await record(ofUser('bob'));
      await look();
      writeFileSync(file(), spoil(readFileSync(file(), 'utf8')));
      await restarted();
      expect([known(), gateway.served, gateway.isReady]).toEqual([left, ['orders'], false]);
      expect(await reports(`snapshot-${problem}`)).toBe(1);
      await look();
      expect([known(), gateway.isReady, lines().length]).toEqual([['alice', 'bob'], true, 2]);
      await restarted();
      expect([known(), await reports(`snapshot-${problem}`)]).toEqual([['alice', 'bob'], 0]);
    },
  );

  it('are all there but the last when the gateway was killed while it wrote', async () => {
    await record(ofUser('alice'));
    await look();
    const before = readFileSync(file(), 'utf8');
    await record(ofUser('bob'));
    await look();
    writeFileSync(file(), readFileSync(file(), 'utf8').slice(0, before.length + 30));
    await restarted();
    expect([known(), gateway.log.at('error')]).toEqual([['alice'], []]);
    await look();
    environment.channel.isAway = true;
    await restarted();
    expect([known(), gateway.log.at('error')]).toEqual([['alice', 'bob'], []]);
  });

  it('of another environment’s disk are no one’s', async () => {
    await record(ofUser('alice'));
    await look();
    const foreign = readFileSync(file(), 'utf8');
    await environment.dispose();
    environment = await EnvironmentUnderTest.create();
    gateway = environment.start();
    await look();
    writeFileSync(file(), foreign);
    await restarted();
    expect([known(), await reports('snapshot-altered')]).toEqual([[], 1]);
  });

  it('hold while the disk takes nothing, and are kept as soon as it does', async () => {
    await look();
    const moved = `${environment.snapshotDir}-away`;
    renameSync(environment.snapshotDir, moved);
    await record(ofUser('alice'));
    for (let round = 0; round < 3; round += 1) await look();
    expect([known(), await reports('snapshot-not-written')]).toEqual([['alice'], 1]);
    renameSync(moved, environment.snapshotDir);
    await look();
    environment.channel.isAway = true;
    await restarted();
    expect(known()).toEqual(['alice']);
    rmSync(moved, { recursive: true, force: true });
  });

  it('are written back after Redis lost them, without those that have ended', async () => {
    await record(ofUser('alice'), ofUser('bob', { endsAtMs: environment.nowMs + 2_500 }));
    await look();
    await environment.emptyRedis();
    await look();
    expect([await held(), await reports('revocations-written-back')]).toEqual([['alice', 'bob'], 1]);
    await environment.emptyRedis();
    await look();
    expect(await held()).toEqual(['alice']);
    await look();
    expect(await claimed()).toBe((await environment.ledger.since(undefined)).position.sequence);
  });

  it('are written back beside what a Redis without them has already recorded anew', async () => {
    await record(ofUser('alice', { issuedUntilSeconds: 7 }));
    await look();
    await environment.emptyRedis();
    await record(ofUser('alice', { issuedUntilSeconds: 3 }), ofUser('bob'));
    await look();
    const { revocations } = await readAll(environment.ledger);
    expect(revocations.find(({ value }) => value === 'alice')?.issuedUntilSeconds).toBe(7);
    expect([known(), await held()]).toEqual([
      ['alice', 'bob'],
      ['alice', 'bob'],
    ]);
  });

  it('are written back from disk alone', async () => {
    await record(ofUser('alice'));
    await look();
    await environment.emptyRedis();
    await restarted();
    await look();
    expect(await held()).toEqual(['alice']);
  });

  it('are written back within a minute when the ledger merely holds fewer', async () => {
    const all = users(3);
    await record(...all);
    await look();
    const { position } = await environment.ledger.since(undefined);
    // As it is after somebody deleted entries: same epoch, same sequence.
    const server = new InMemoryRevocationLedger();
    await server.record(all.slice(0, 1), environment.nowMs);
    environment.ledger.server = {
      record: (...given) => server.record(...given),
      since: async (from) => {
        const news = await server.since(from === undefined ? undefined : (await server.since(undefined)).position);
        return { ...news, position: news.heldCount === 1 ? position : news.position, isFromStart: from === undefined };
      },
    };
    await look(MINUTE_MS);
    await look();
    expect((await readAll(server)).revocations.map(({ value }) => value).sort()).toEqual(all.map(({ value }) => value));
  });

  it('are not read as a whole for ever where nothing but the position was lost', async () => {
    const all = users(2);
    const server = new InMemoryRevocationLedger();
    await server.record(all, environment.nowMs);
    const recorded: (readonly TokenRevocation[])[] = [];
    environment.ledger.server = {
      record: async (given, nowMs) => {
        recorded.push(given);
        return server.record(given, nowMs);
      },
      since: async (from) => {
        const news = await server.since(from);
        return recorded.length > 0 ? news : { ...news, position: NOWHERE };
      },
    };
    for (let round = 0; round < 3; round += 1) await look();
    expect([recorded, known()]).toEqual([[[all[0]]], ['user-0', 'user-1']]);
    expect(await reports('revocations-written-back')).toBe(0);
  });

  it('are read as a whole only now and then', async () => {
    await record(...users(3));
    await look();
    const froms: unknown[] = [];
    const { server } = environment.ledger;
    environment.ledger.server = {
      record: (...all) => server.record(...all),
      since: (position) => {
        froms.push(position?.sequence);
        return server.since(position);
      },
    };
    for (let second = 0; second < 600; second += 1) await look();
    expect([froms.length, froms.filter((from) => from === undefined).length]).toEqual([600, 1]);
  });

  it('do not keep a gateway from following when they cannot be written back', async () => {
    await record(...users(3));
    await look();
    await environment.emptyRedis();
    environment.ledger.server = new InMemoryRevocationLedger({ entries: 2 });
    await look();
    expect([gateway.contact.isLive, known().length, await reports('revocations-full')]).toEqual([true, 3, 1]);
  });

  it('are counted and reported when they were not sealed here', async () => {
    const { server } = environment.ledger;
    environment.ledger.server = {
      record: (...all) => server.record(...all),
      since: async (position) => ({ ...(await server.since(position)), refusedCount: position === undefined ? 2 : 0 }),
    };
    await record(ofUser('alice'));
    await look();
    await look();
    expect([known(), await reports('altered-revocation')]).toEqual([['alice'], 1]);
    expect(gateway.log.lines.filter((line) => line['level'] === 'warn')).toMatchObject([{ count: 2 }]);
  });

  describe('that it makes itself', () => {
    it('hold at once, are recorded, counted and told to all', async () => {
      await look();
      const revoking = gateway.revocations.writer.revoke([ofUser('alice')]);
      expect(gateway.revocations.known.isRevoked({ sub: 'alice' })).toBe(true);
      await revoking;
      expect([await held(), gateway.revocations.nudges]).toEqual([['alice'], 1]);
      const text = await gateway.metrics.registry.metrics();
      expect(text).toContain('gatewarden_revocations_recorded_total{by="user"} 1');
      expect(text).toContain('gatewarden_revocations_known 1');
    });

    it('are on disk after the next look', async () => {
      await look();
      await gateway.revocations.writer.revoke([ofUser('alice')]);
      await look();
      environment.channel.isAway = true;
      await restarted();
      expect(known()).toEqual(['alice']);
    });

    it.each([
      ['right after they were recorded', () => undefined],
      ['before they could be', () => (environment.channel.isAway = true)],
    ])('are on disk after the next look, also when Redis went away %s', async (_when, goAway) => {
      await environment.publish('orders', 1);
      await look();
      goAway();
      await gateway.revocations.writer.revoke([ofUser('alice')]).catch(() => undefined);
      environment.channel.isAway = true;
      await look();
      await restarted();
      expect(known()).toEqual(['alice']);
    });

    it('are refused while Redis is away, hold here all the same, and are recorded when it is back', async () => {
      await record(ofUser('zoe'));
      await look();
      environment.channel.isAway = true;
      const revoking = gateway.revocations.writer.revoke([ofUser('alice')]);
      await expect(revoking).rejects.toThrow(RevocationLedgerUnavailable);
      expect([known(), gateway.revocations.nudges, await reports('revocations-not-recorded')]).toEqual([
        ['alice', 'zoe'],
        0,
        1,
      ]);
      environment.channel.isAway = false;
      await look();
      expect(await held()).toEqual(['alice', 'zoe']);
    });

    it('are done when nobody can be told', async () => {
      await look();
      const { channel } = environment;
      channel.nudge = () => Promise.reject(new Error('away'));
      await gateway.revocations.writer.revoke([ofUser('alice')]);
      expect(await held()).toEqual(['alice']);
    });
  });
});
