import { COOLDOWN_MS, PAUSE_MS } from './fetch-restraint.ts';
import { failed } from './fetched-document.ts';
import { VARIABLE_COMPLAINT_EVERY_MS } from './key-set-journal.ts';
import { keySetText, served, verdict, verdicts } from './testing/hand-driven-documents.ts';
import { ADDRESS, DAY, DOWN, OTHER, rig, SECOND } from './testing/key-sets-rig.ts';
import { VARIABLE_LIMITS } from './variable-key-sets.ts';

const ASKED_LATELY = failed('asked-lately');

describe('a key set by address', () => {
  it('is fetched once for the prefetch and everybody who asks meanwhile, and then kept', async () => {
    const { sets, documents, now, name } = rig();
    name(ADDRESS);
    name(ADDRESS);
    const waiting = Array.from({ length: 1_000 }, () => sets.current(ADDRESS));
    expect(documents.asked).toEqual([ADDRESS]);
    await documents.answer(served(300, 'a'));
    expect(new Set(await verdicts(waiting, 'a'))).toEqual(new Set(['found']));
    expect(now('a')).toBe('found');
    expect(documents.asked).toHaveLength(1);
  });

  it('is used without waiting while it is fresh, and fetched in the background in the last fifth of that', async () => {
    const { documents, now, pass, holding } = rig();
    await holding(300, 'a');
    pass(239);
    expect([now('a'), documents.pending]).toEqual(['found', 0]);
    pass(1);
    expect([now('a'), now('a'), documents.pending]).toEqual(['found', 'found', 1]);
    await documents.answer(served(300, 'b'));
    expect([now('a'), now('b')]).toEqual(['NoMatchingPublicKey', 'found']);
    pass(239);
    expect([now('b'), documents.asked.length]).toEqual(['found', 2]);
  });

  it('is as fresh as its server says', async () => {
    const { documents, now, pass, holding } = rig();
    await holding(3_600, 'a');
    pass(2_879);
    expect([now('a'), documents.pending]).toEqual(['found', 0]);
    pass(1);
    expect([now('a'), documents.pending]).toEqual(['found', 1]);
  });

  it('is waited for once it expired with nobody asking meanwhile (K23)', async () => {
    const { sets, documents, pass, holding } = rig();
    await holding(300, 'a');
    pass(300);
    const waiting = [sets.current(ADDRESS), sets.current(ADDRESS)];
    expect(waiting.map((set) => verdict(set, 'b'))).toEqual(['waits', 'waits']);
    await documents.answer(served(300, 'b'));
    expect(await verdicts(waiting, 'b')).toEqual(['found', 'found']);
    expect(documents.asked).toHaveLength(2);
  });

  it('keeps the keys that it still has the objects they are, so that what they signed stays remembered', async () => {
    const { sets, documents, now, pass, holding } = rig();
    const keyNow = (kid: string) => {
      const set = sets.current(ADDRESS);
      return typeof set === 'function' ? set({ kid }, 'ES256', undefined) : set;
    };
    await holding(300, 'a');
    const key = keyNow('a');
    pass(250);
    now('a');
    await documents.answer(served(300, 'b', 'a'));
    expect([now('a'), now('b')]).toEqual(['found', 'found']);
    expect(keyNow('a')).toBe(key);
    sets.obey({ flushes: [{ uri: ADDRESS, number: 1 }], denied: [] });
    await documents.answer(served(300, 'a'));
    expect(now('a')).toBe('found');
    expect(keyNow('a')).not.toBe(key);
  });

  it('costs one fetch in 300 seconds (K21)', async () => {
    const { documents, now, pass, holding } = rig();
    await holding(300, 'a');
    now('a');
    pass(200);
    now('a');
    expect(documents.asked).toHaveLength(1);
  });

  it('is no key set when it cannot be read, and never takes the place of a good one', async () => {
    const { sets, documents, now, pass } = rig();
    const first = sets.current(ADDRESS);
    await documents.answer({ ok: true, text: '<html>', freshForSeconds: 300 });
    expect(verdict(await first, 'a')).toBe('InvalidKeyConfiguration');
    pass(30);
    void sets.current(ADDRESS);
    await documents.answer(served(300, 'a'));
    pass(250);
    expect(now('a')).toBe('found');
    await documents.answer({ ok: true, text: '{"kty":"EC"}', freshForSeconds: 300 });
    expect(now('a')).toBe('found');
  });

  it('may be empty: then the kid decides', async () => {
    const { now, holding } = rig();
    await holding(300);
    expect(now('a')).toBe('NoMatchingPublicKey');
  });

  it('is fetched again when the clock was set back, and nobody waits: it counts as fetched then', async () => {
    const { documents, now, pass, holding } = rig();
    await holding(300, 'a');
    pass(-3_600);
    expect(now('a')).toBe('found');
    expect(documents.pending).toBe(1);
    expect(documents.wish).toMatchObject({ reason: 'due', newerThanMs: 1_000_000 - 3_600 * SECOND });
    await documents.answer(served(300, 'b'));
    expect([now('b'), now('a')]).toEqual(['found', 'NoMatchingPublicKey']);
    expect(documents.asked).toHaveLength(2);
  });

  it('serves on when its host fails and the clock was set back, for the stale limit and no longer', async () => {
    const { documents, now, pass, holding } = rig(1_000);
    await holding(300, 'a');
    pass(-3_600);
    now('a');
    await documents.answer(DOWN);
    pass(999);
    expect(now('a')).toBe('found');
    await documents.answer(DOWN);
    pass(1);
    expect(now('a')).toBe('InvalidKeyConfiguration');
  });

  it('is not forgotten when its address came from a variable and the clock was set back', async () => {
    const { sets, documents, now, pass } = rig();
    void sets.current(ADDRESS);
    await documents.answer(served(300, 'a'));
    pass(-3_600);
    sets.refreshDue();
    expect(now('a')).toBe('found');
  });
});

describe('a key that the set has not', () => {
  it('is asked for right after the prefetch, once for all who wait (K22)', async () => {
    const { sets, documents, now, pass, holding } = rig();
    await holding(300, 'a');
    pass(20);
    const waiting = Array.from({ length: 1_000 }, () => sets.newerFor(ADDRESS, 'b'));
    expect(documents.pending).toBe(1);
    await documents.answer(served(300, 'b'));
    expect(new Set(await verdicts(waiting, 'b'))).toEqual(new Set(['found']));
    expect([now('b'), documents.asked.length]).toEqual(['found', 2]);
  });

  it('shares a refresh that is on its way', async () => {
    const { sets, documents, now, pass, holding } = rig();
    await holding(300, 'a');
    pass(250);
    now('a');
    const newer = sets.newerFor(ADDRESS, 'b');
    expect(documents.pending).toBe(1);
    await documents.answer(served(300, 'b'));
    expect(verdict(await newer, 'b')).toBe('found');
    expect(documents.asked).toHaveLength(2);
  });

  it('costs one fetch per cooldown, however many random keys are named', async () => {
    const { sets, documents, pass, holding, metric } = rig();
    await holding(300, 'a');
    for (let second = 0; second < 90; second += 1) {
      for (let n = 0; n < 100; n += 1) void sets.newerFor(ADDRESS, `random-${second}-${n}`);
      if (documents.pending > 0) await documents.answer(served(300, 'a'));
      pass(1);
    }
    expect(documents.asked).toHaveLength(1 + 3);
    expect(await metric('_refetches_total')).toEqual(['gatewarden_key_set_refetches_total 3']);
  });

  it('is refused at once during the cooldown, also after a fetch that failed', async () => {
    const { sets, documents, now, pass, holding } = rig();
    await holding(300, 'a');
    const newer = sets.newerFor(ADDRESS, 'b');
    await documents.answer(DOWN);
    expect(verdict(await newer, 'b')).toBe('NoMatchingPublicKey');
    pass(29.999);
    expect([sets.newerFor(ADDRESS, 'c'), sets.newerFor(ADDRESS, 'b')]).toEqual([undefined, undefined]);
    expect([now('a'), documents.asked.length]).toEqual(['found', 2]);
    pass(0.001);
    expect(verdict(sets.newerFor(ADDRESS, 'c'), 'c')).toBe('waits');
  });

  it('is asked for once more when the refresh on its way was answered before the rotation', async () => {
    const { sets, documents, now, pass, holding } = rig();
    await holding(300, 'a');
    pass(250);
    now('a');
    const waiting = Array.from({ length: 1_000 }, () => sets.newerFor(ADDRESS, 'b'));
    await documents.answer(served(300, 'a'));
    expect(documents.pending).toBe(1);
    await documents.answer(served(300, 'b'));
    expect(new Set(await verdicts(waiting, 'b'))).toEqual(new Set(['found']));
    expect(documents.asked).toHaveLength(3);
  });

  it('is asked for again once the cooldown is over, which counts from when the set was asked for', async () => {
    const { sets, documents, pass, holding } = rig();
    await holding(300, 'a');
    const first = sets.newerFor(ADDRESS, 'b');
    pass(5);
    await documents.answer(served(300, 'a'));
    expect(verdict(await first, 'b')).toBe('NoMatchingPublicKey');
    pass(24.999);
    expect([sets.newerFor(ADDRESS, 'b'), sets.newerFor(ADDRESS, 'c')]).toEqual([undefined, undefined]);
    pass(0.001);
    expect(verdict(sets.newerFor(ADDRESS, 'b'), 'b')).toBe('waits');
  });

  it('is forgotten before a hundred others', async () => {
    const { sets, documents, pass, holding } = rig();
    await holding(300, 'a');
    for (let n = 0; n <= 100; n += 1) void sets.newerFor(ADDRESS, `random-${n}`);
    const tooLong = 'x'.repeat(257);
    void sets.newerFor(ADDRESS, tooLong);
    // Else the cooldown of the set would hide what is remembered of each key.
    await documents.answer(ASKED_LATELY);
    pass(PAUSE_MS / SECOND);
    expect([sets.newerFor(ADDRESS, 'random-100'), sets.newerFor(ADDRESS, 'random-1')]).toEqual([undefined, undefined]);
    expect(verdict(sets.newerFor(ADDRESS, 'random-0'), '')).toBe('waits');
    expect(verdict(sets.newerFor(ADDRESS, tooLong), '')).toBe('waits');
  });
});

describe('a key set that another gateway asked for', () => {
  it('counts from when that one asked: its freshness, its cooldown and the keys it has not', async () => {
    const { sets, documents, now, pass, clock, holding, metric } = rig();
    await holding(300, 'a');
    pass(100);
    const newer = sets.newerFor(ADDRESS, 'b');
    const fetchedAtMs = clock.ms - 20 * SECOND;
    await documents.answer({ ...served(300, 'c'), fetchedAtMs, flush: 0, isAskedByAnother: true });
    expect(verdict(await newer, 'b')).toBe('NoMatchingPublicKey');
    pass(9.999);
    expect([sets.newerFor(ADDRESS, 'b'), sets.newerFor(ADDRESS, 'd')]).toEqual([undefined, undefined]);
    pass(0.001);
    expect(verdict(sets.newerFor(ADDRESS, 'b'), 'b')).toBe('waits');
    await documents.answer(ASKED_LATELY);
    pass(209.999);
    expect([now('c'), documents.pending]).toEqual(['found', 0]);
    pass(0.001);
    expect([now('c'), documents.pending]).toEqual(['found', 1]);
    // No fetch of this gateway but the first.
    expect([await metric('_fetches_total'), await metric('_refetches_total')]).toEqual([
      ['gatewarden_key_set_fetches_total{outcome="ok"} 1'],
      ['gatewarden_key_set_refetches_total 0'],
    ]);
  });

  it('is asked about again a second later while that one fetches it, and waited for at once by who needs a key', async () => {
    const { sets, documents, now, pass, holding, log, metric } = rig();
    await holding(300, 'a');
    pass(250);
    expect(now('a')).toBe('found');
    await documents.answer(failed('under-way'));
    pass(0.999);
    expect([now('a'), documents.pending]).toEqual(['found', 0]);
    const newer = sets.newerFor(ADDRESS, 'b');
    expect(verdict(newer, 'b')).toBe('waits');
    await documents.answer(ASKED_LATELY);
    pass(0.001);
    expect([now('a'), sets.newerFor(ADDRESS, 'c'), documents.pending]).toEqual(['found', expect.any(Promise), 1]);
    await documents.answer(failed('under-way'));
    expect(log.lines).toEqual([]);
    expect(await metric('_fetches_total')).toEqual(['gatewarden_key_set_fetches_total{outcome="ok"} 1']);
    // Not served stale: nothing has failed.
    pass(50);
    expect(now('a')).toBe('waits');
  });

  it('is asked about again a second later when that one asked for an unknown key lately', async () => {
    const { sets, documents, pass, holding } = rig();
    await holding(300, 'a');
    pass(100);
    void sets.newerFor(ADDRESS, 'b');
    await documents.answer(ASKED_LATELY);
    pass(0.999);
    expect([sets.newerFor(ADDRESS, 'b'), sets.newerFor(ADDRESS, 'c')]).toEqual([undefined, undefined]);
    pass(0.001);
    expect(verdict(sets.newerFor(ADDRESS, 'b'), 'b')).toBe('waits');
  });

  it('fails when that one failed: the cooldown counts from then, and what it had before is served as stale', async () => {
    const { documents, now, pass, clock, log, name, metric } = rig(600);
    name(ADDRESS);
    const lastGood = { ...served(300, 'old'), fetchedAtMs: clock.ms - 590 * SECOND, flush: 0 } as const;
    const byAnother = { ...DOWN, isAskedByAnother: true, failedAtMs: clock.ms - 10 * SECOND, lastGood } as const;
    await documents.answer(byAnother);
    expect(now('old')).toBe('found');
    pass(9.999);
    expect([now('old'), documents.pending]).toEqual(['found', 0]);
    pass(0.001);
    expect(now('old')).toBe('InvalidKeyConfiguration');
    pass(10);
    expect(now('old')).toBe('waits');
    // What is older than the set at hand takes its place under no circumstances.
    await documents.answer(served(300, 'new'));
    pass(290);
    expect(now('new')).toBe('found');
    await documents.answer({ ...byAnother, lastGood });
    expect([now('new'), now('old')]).toEqual(['found', 'NoMatchingPublicKey']);
    expect(log.at('warn')).toHaveLength(3);
    expect(await metric('_fetches_total')).toEqual(['gatewarden_key_set_fetches_total{outcome="ok"} 1']);
  });
});

describe('a key set whose host fails', () => {
  it('serves on at once after the first who waited, and is tried again in the background once per cooldown', async () => {
    const { sets, documents, now, pass, holding, metric } = rig();
    await holding(300, 'a');
    pass(300);
    const first = sets.current(ADDRESS);
    await documents.answer(DOWN);
    expect(verdict(await first, 'a')).toBe('found');
    for (let n = 0; n < 10; n += 1) expect(now('a')).toBe('found');
    pass(29.999);
    expect([now('a'), documents.pending]).toEqual(['found', 0]);
    pass(0.001);
    expect([now('a'), now('a'), documents.pending]).toEqual(['found', 'found', 1]);
    await documents.answer(DOWN);
    expect([now('a'), documents.asked.length]).toEqual(['found', 3]);
    expect(await metric('_stale_servings_total')).toEqual(['gatewarden_key_set_stale_servings_total 15']);
    expect(await metric('_fetches_total')).toEqual([
      'gatewarden_key_set_fetches_total{outcome="ok"} 1',
      'gatewarden_key_set_fetches_total{outcome="unreachable"} 2',
    ]);
  });

  it('never makes anybody wait when the refresh before its expiry has failed', async () => {
    const { documents, now, pass, holding } = rig();
    await holding(300, 'a');
    pass(299);
    now('a');
    await documents.answer(DOWN);
    pass(1);
    expect(now('a')).toBe('found');
  });

  it('serves until the stale limit and is refused then, with one attempt per cooldown', async () => {
    const { sets, documents, now, pass, holding } = rig(600);
    await holding(300, 'a');
    pass(590);
    const first = sets.current(ADDRESS);
    await documents.answer(DOWN);
    expect(verdict(await first, 'a')).toBe('found');
    pass(9.999);
    expect(now('a')).toBe('found');
    pass(0.001);
    expect(now('a')).toBe('InvalidKeyConfiguration');
    pass(20);
    const later = sets.current(ADDRESS);
    expect(verdict(later, 'a')).toBe('waits');
    await documents.answer(DOWN);
    expect(verdict(await later, 'a')).toBe('InvalidKeyConfiguration');
  });

  it('does not serve at all when the stale limit is 0', async () => {
    const { sets, documents, pass, holding } = rig(0);
    await holding(300, 'a');
    pass(300);
    const first = sets.current(ADDRESS);
    await documents.answer(DOWN);
    expect(verdict(await first, 'a')).toBe('InvalidKeyConfiguration');
  });

  it('recovers with the first fetch that succeeds', async () => {
    const { documents, now, pass, holding } = rig();
    await holding(300, 'a');
    pass(299);
    now('a');
    await documents.answer(DOWN);
    pass(30);
    now('a');
    await documents.answer(served(300, 'b'));
    expect([now('a'), now('b')]).toEqual(['NoMatchingPublicKey', 'found']);
    pass(299);
    expect([now('b'), documents.pending]).toEqual(['found', 1]);
  });

  it('is refused while there was never one, at once during the cooldown', async () => {
    const { sets, documents, now, pass, name } = rig();
    name(ADDRESS);
    const first = sets.current(ADDRESS);
    expect(verdict(first, 'a')).toBe('waits');
    await documents.answer(DOWN);
    expect(verdict(await first, 'a')).toBe('InvalidKeyConfiguration');
    pass(29.999);
    name(ADDRESS);
    expect([now('a'), documents.asked.length]).toEqual(['InvalidKeyConfiguration', 1]);
    pass(0.001);
    expect(now('a')).toBe('waits');
  });

  it('is told once for each outage and once when it is over, by its host and never by its query', async () => {
    const { documents, log, now, pass, holding } = rig(600);
    await holding(300, 'a');
    pass(290);
    for (const seconds of [30, 30, 500]) {
      now('a');
      if (documents.pending > 0) await documents.answer(DOWN);
      pass(seconds);
    }
    now('a');
    await documents.answer(DOWN);
    now('a');
    now('a');
    pass(30);
    now('a');
    await documents.answer(served(300, 'a'));
    now('a');
    expect(log.lines.map(({ time: _, ...line }) => line)).toEqual([
      {
        ...{ level: 'warn', host: 'idp.test', reason: 'unreachable', detail: 'ECONNREFUSED' },
        msg: 'a key set cannot be fetched',
      },
      { level: 'warn', host: 'idp.test', msg: 'a key set is no longer fresh: serving on with the last good one' },
      { level: 'error', host: 'idp.test', msg: 'the last good key set is too old: its tokens are refused' },
      { level: 'info', host: 'idp.test', msg: 'a key set can be fetched again' },
    ]);
    expect(log.text).not.toContain('s3cret');
  });

  it('does not fail because the gateway stops', async () => {
    const { documents, log, now, pass, holding, metric } = rig();
    await holding(300, 'a');
    pass(299);
    now('a');
    await documents.answer(failed('closed'));
    expect([log.lines, await metric('_fetches_total')]).toEqual([
      [],
      ['gatewarden_key_set_fetches_total{outcome="ok"} 1'],
    ]);
  });
});

describe('key sets of many addresses', () => {
  const numbered = (n: number): string => `https://idp.test/${n}`;

  it('push each other out when they came from variables: the one asked for longest ago, none that is being fetched', async () => {
    const { sets, documents, log, now, pass, holding } = rig();
    await holding(3_600, 'named');
    for (let n = 0; n < VARIABLE_LIMITS.sets; n += 1) void sets.current(numbered(n));
    expect(now('a', OTHER)).toBe('InvalidKeyConfiguration');
    expect(log.lines).toMatchObject([{ level: 'warn', host: 'other.test', reason: 'too-many' }]);
    for (let n = 0; n < VARIABLE_LIMITS.sets; n += 1) await documents.answer(served(3_600, 'a'));
    pass(1);
    expect(now('a', numbered(0))).toBe('found');
    expect(now('a', OTHER)).toBe('waits');
    expect([now('named'), now('a', numbered(0)), now('a', numbered(2))]).toEqual(['found', 'found', 'found']);
    expect(now('a', numbered(1))).toBe('waits');
  });

  it('make room for one another: those that nothing came for go first', async () => {
    const { sets, documents, now, pass } = rig();
    void sets.current(numbered(0));
    await documents.answer(served(3_600, 'a'));
    pass(1);
    for (let n = 1; n < VARIABLE_LIMITS.sets; n += 1) {
      void sets.current(numbered(n));
      await documents.answer(failed('http-status', '404'));
    }
    pass(1);
    expect(now('a', OTHER)).toBe('waits');
    expect([now('a', numbered(0)), now('a', numbered(2))]).toEqual(['found', 'InvalidKeyConfiguration']);
    expect(now('a', numbered(1))).toBe('waits');
  });

  it('hold no more together than the memory they may take, when their addresses came from variables', async () => {
    const { sets, documents, now, holding } = rig();
    await holding(3_600, 'named');
    const long = { ok: true, text: keySetText('a').padEnd(1024 * 1024), freshForSeconds: 3_600 } as const;
    const fitting = VARIABLE_LIMITS.length / long.text.length;
    void sets.current(OTHER);
    await documents.answer(DOWN);
    for (let n = 0; n < fitting; n += 1) {
      void sets.current(numbered(n));
      await documents.answer(long);
    }
    expect([now('a', numbered(0)), now('a', numbered(fitting - 1))]).toEqual(['found', 'found']);
    void sets.current(numbered(fitting));
    await documents.answer(long);
    expect([now('named'), now('a', numbered(1)), now('a', numbered(fitting))]).toEqual(['found', 'found', 'found']);
    expect(now('a', numbered(0))).toBe('waits');
  });

  it('may redirect to other hosts only when a policy names them, however long nobody has asked', async () => {
    const { sets, documents, pass, holding, name } = rig(0);
    await holding(300, 'a');
    expect(documents.wish?.redirectsTo).toBe('any-host');
    void sets.current(OTHER);
    expect(documents.wish?.redirectsTo).toBe('same-host');
    await documents.answer(served(300, 'a'));
    pass(DAY);
    void sets.current(numbered(1));
    await documents.answer(served(300, 'a'));
    void sets.current(ADDRESS);
    expect([documents.asked.at(-1), documents.wish?.redirectsTo]).toEqual([ADDRESS, 'any-host']);
    await documents.answer(served(300, 'a'));
    name(numbered(1));
    pass(300);
    void sets.current(numbered(1));
    expect(documents.wish?.redirectsTo).toBe('any-host');
  });

  it('are forgotten when their addresses came from variables and nobody asks for so long that they could not be served', async () => {
    const { sets, documents, now, pass, holding, metric } = rig(7_200);
    await holding(300, 'a');
    void sets.current(OTHER);
    await documents.answer(served(300, 'a'));
    const counts = (policy: number, variable: number) => [
      `gatewarden_key_sets{origin="policy"} ${policy}`,
      `gatewarden_key_sets{origin="variable"} ${variable}`,
    ];
    pass(7_199);
    sets.refreshDue();
    expect(await metric('s{')).toEqual(counts(1, 1));
    pass(60);
    sets.refreshDue();
    expect(await metric('s{')).toEqual(counts(1, 0));
    expect(now('a', OTHER)).toBe('waits');
  });

  it('have an age each when a policy names them, without query string', async () => {
    const { sets, documents, pass, holding, metric } = rig();
    await holding(300, 'a');
    void sets.current(OTHER);
    await documents.answer(served(300, 'a'));
    pass(7);
    expect(await metric('_age_seconds')).toEqual(['gatewarden_key_set_age_seconds{address="https://idp.test/jwks"} 7']);
  });

  it('fill no log when their addresses came from variables', async () => {
    const { sets, documents, log, pass } = rig();
    for (let n = 0; n < 10; n += 1) {
      void sets.current(numbered(n));
      await documents.answer(DOWN);
    }
    expect(log.lines).toHaveLength(1);
    pass(VARIABLE_COMPLAINT_EVERY_MS / SECOND);
    void sets.current(numbered(10));
    await documents.answer(DOWN);
    expect(log.lines).toHaveLength(2);
    pass(COOLDOWN_MS / SECOND);
    for (const n of [1, 10]) {
      void sets.current(numbered(n));
      await documents.answer(served(300, 'a'));
    }
    expect(log.at('info')).toEqual(['a key set can be fetched again']);
  });

  it('have no addresses longer than 2048 characters, which is told and counted', async () => {
    const { sets, documents, now, log, metric, name } = rig();
    const [named, long] = ['x', 'y'].map((letter) => `https://idp.test/${letter.repeat(2_048)}`) as [string, string];
    name(named);
    await verdicts([sets.current(named)], 'a');
    expect([now('a', named), now('a', long), sets.newerFor(long, 'a'), documents.asked]).toEqual([
      ...['InvalidKeyConfiguration', 'InvalidKeyConfiguration'],
      undefined,
      [],
    ]);
    expect(log.lines).toMatchObject([
      { level: 'warn', host: 'idp.test', reason: 'invalid-address' },
      { level: 'warn', host: 'idp.test', reason: 'invalid-address' },
    ]);
    expect(await metric('_fetches_total')).toEqual(['gatewarden_key_set_fetches_total{outcome="invalid-address"} 3']);
    expect(sets.notes()).toMatchObject([{ state: 'failed', reason: 'invalid-address TOO_LONG' }]);
  });
});
