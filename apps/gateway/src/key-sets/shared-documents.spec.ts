import { ATTEMPT_LASTS_MS, CLOCKS_APART_MS } from './attempt-standing.ts';
import { COOLDOWN_MS } from './fetch-restraint.ts';
import { failed, type FetchOutcome, type FetchWish } from './fetched-document.ts';
import { SHARED_LENGTH_FROM_VARIABLES } from './shared-fetch.ts';
import { ADDRESS, DOWN, GatewayFleet } from './testing/gateway-fleet.ts';
import { keySetText, served } from './testing/hand-driven-documents.ts';

const SECOND = 1_000;

const textOf = (outcome: FetchOutcome): string => (outcome.ok ? outcome.text : outcome.failure);

/** Of several that must all have found the same. */
async function same(outcomes: readonly Promise<FetchOutcome>[]): Promise<string> {
  const texts = new Set((await Promise.all(outcomes)).map(textOf));
  expect(texts.size).toBe(1);
  return [...texts].join();
}

describe('key sets that the gateways of an environment share', () => {
  it('cost one fetch when 50 gateways want one at the same moment', async () => {
    const fleet = new GatewayFleet();
    const outcomes = fleet.gateways(50).map((gateway) => gateway.fetch(fleet.wish()));
    await fleet.pass(300);
    expect(fleet.asked).toHaveLength(1);
    await fleet.answer(served(300, 'a'));
    await fleet.pass(300);
    expect(await same(outcomes)).toBe(keySetText('a'));
    const found = await Promise.all(outcomes);
    expect(found.filter((outcome) => outcome.isAskedByAnother)).toHaveLength(49);
    expect(new Set(found.map((outcome) => outcome.ok && outcome.fetchedAtMs))).toEqual(new Set([1_000_000_000]));
    expect(fleet.asked).toHaveLength(1);
    expect(await fleet.wishes()).toEqual({ fetched: 1, waited: 49 });
  });

  it('are taken by a gateway that comes later for as long as they are fresh, and no longer', async () => {
    const fleet = new GatewayFleet();
    const [first, second, third] = [fleet.gateway(0), fleet.gateway(1), fleet.gateway(2)];
    await fleet.fetched(first, fleet.wish(), served(300, 'a'));
    await fleet.pass(299 * SECOND);
    expect(await second.fetch(fleet.wish())).toEqual({
      ...served(300, 'a'),
      ...{ fetchedAtMs: 1_000_000_000, flush: 0, isAskedByAnother: true },
    });
    await fleet.pass(SECOND);
    expect(textOf(await fleet.fetched(third, fleet.wish(), served(300, 'b')))).toBe(keySetText('b'));
    expect(fleet.asked).toHaveLength(2);
    expect(await fleet.wishes()).toEqual({ fetched: 2, taken: 1 });
  });

  it('are fetched once by 50 gateways whose sets are due in the same second, and nobody waits', async () => {
    const fleet = new GatewayFleet();
    const gateways = fleet.gateways(50);
    const [first] = gateways;
    if (first === undefined) return;
    await fleet.fetched(first, fleet.wish(), served(300, 'a'));
    await fleet.pass(240 * SECOND);
    const due = fleet.wish({ reason: 'due', newerThanMs: 1_000_000_000 });
    const outcomes = gateways.map((gateway) => gateway.fetch(due));
    expect(await same(outcomes.slice(1))).toBe('under-way');
    await fleet.answer(served(300, 'b'));
    expect(await same(outcomes.slice(0, 1))).toBe(keySetText('b'));
    await fleet.pass(SECOND);
    expect(await same(gateways.slice(1).map((gateway) => gateway.fetch(due)))).toBe(keySetText('b'));
    expect(fleet.asked).toHaveLength(2);
  });

  it('are each the set of their address, of how far its redirects may lead, and of where gateways may ask', async () => {
    const fleet = new GatewayFleet();
    const wishes: readonly [FetchWish, boolean][] = [
      [fleet.wish(), false],
      [fleet.wish({ redirectsTo: 'same-host' }), false],
      [fleet.wish({ address: `${ADDRESS}2` }), false],
      [fleet.wish(), true],
    ];
    for (const [index, [wish, allowPrivateHosts]] of wishes.entries()) {
      const text = served(300, String(index));
      expect(textOf(await fleet.fetched(fleet.gateway(0, { allowPrivateHosts }), wish, text))).toBe(text.text);
    }
    for (const [index, [wish, allowPrivateHosts]] of wishes.entries()) {
      const taken = fleet.gateway(1, { allowPrivateHosts }).fetch(wish);
      expect(textOf(await taken)).toBe(keySetText(String(index)));
    }
    expect(fleet.asked).toHaveLength(4);
  });

  it('are not shared when an address from a variable brings a long one: every gateway asks for itself', async () => {
    const fleet = new GatewayFleet();
    const long = { ...served(300, 'a'), text: keySetText('a').padEnd(SHARED_LENGTH_FROM_VARIABLES + 1) };
    for (const [index, redirectsTo] of (['same-host', 'any-host'] as const).entries()) {
      const wish = fleet.wish({ redirectsTo });
      expect(await fleet.fetched(fleet.gateway(0), wish, long)).toMatchObject({ ok: true });
      expect((await fleet.shelf.held(index)).document === undefined).toBe(redirectsTo === 'same-host');
    }
    const second = fleet.gateway(1).fetch(fleet.wish({ redirectsTo: 'same-host' }));
    await fleet.answer(long);
    expect(await second).toMatchObject({ ok: true });
    expect(fleet.asked).toHaveLength(3);
  });
});

describe('a key that no gateway knows', () => {
  async function rotated() {
    const fleet = new GatewayFleet();
    const gateways = fleet.gateways(50);
    const [first, ...others] = gateways;
    if (first === undefined) throw new Error('no gateway');
    await fleet.fetched(first, fleet.wish(), served(300, 'a'));
    await fleet.pass(20 * SECOND);
    const unknown = fleet.wish({ reason: 'unknown-key', newerThanMs: 1_000_000_000 });
    return { fleet, gateways, first, others, unknown };
  }

  it('costs one fetch for all, who wait for it', async () => {
    const { fleet, gateways, unknown } = await rotated();
    const outcomes = gateways.map((gateway) => gateway.fetch(unknown));
    await fleet.answer(served(300, 'b'));
    await fleet.pass(300);
    expect(await same(outcomes)).toBe(keySetText('b'));
    expect(fleet.asked).toHaveLength(2);
  });

  it('is asked for once per cooldown, counted from its beginning, whoever asks', async () => {
    const { fleet, gateways, first, unknown } = await rotated();
    await fleet.fetched(first, unknown, served(300, 'b'));
    const newest = { ...unknown, newerThanMs: fleet.clock.ms };
    await fleet.pass(COOLDOWN_MS - 1);
    expect(await same(gateways.map((gateway) => gateway.fetch(newest)))).toBe('asked-lately');
    expect(await same(gateways.map((gateway) => gateway.fetch(unknown)))).toBe(keySetText('b'));
    expect(fleet.asked).toHaveLength(2);
    await fleet.pass(1);
    expect(textOf(await fleet.fetched(first, newest, served(300, 'c')))).toBe(keySetText('c'));
  });

  it('is asked for although another gateway fetched the set meanwhile, for it may have been before the key was there', async () => {
    const { fleet, first, others, unknown } = await rotated();
    await fleet.fetched(first, fleet.wish({ reason: 'due', newerThanMs: 1_000_000_000 }), served(300, 'a'));
    await fleet.pass(100 * SECOND);
    const [other] = others;
    if (other === undefined) return;
    expect(textOf(await fleet.fetched(other, unknown, served(300, 'b')))).toBe(keySetText('b'));
  });

  it('stays asked for lately when the set was fetched for another reason since', async () => {
    const { fleet, first, unknown } = await rotated();
    await fleet.fetched(first, unknown, served(300, 'b'));
    await fleet.pass(10 * SECOND);
    await fleet.fetched(first, fleet.wish({ reason: 'due', newerThanMs: fleet.clock.ms - 1 }), served(300, 'c'));
    const newest = { ...unknown, newerThanMs: fleet.clock.ms };
    await fleet.pass(10 * SECOND);
    expect(textOf(await first.fetch(newest))).toBe('asked-lately');
    expect(fleet.asked).toHaveLength(3);
  });
});

describe('a fetch that fails', () => {
  it('counts for all gateways until the cooldown is over', async () => {
    const fleet = new GatewayFleet();
    const gateways = fleet.gateways(10);
    const outcomes = gateways.map((gateway) => gateway.fetch(fleet.wish()));
    await fleet.answer(DOWN);
    await fleet.pass(300);
    expect(await same(outcomes)).toBe('http-status');
    const failedAtMs = fleet.clock.ms - 300;
    await fleet.pass(COOLDOWN_MS - 301);
    for (const reason of ['missing', 'due', 'unknown-key'] as const) {
      for (const gateway of gateways) {
        const outcome = await gateway.fetch(fleet.wish({ reason }));
        expect(outcome).toEqual({ ...DOWN, isAskedByAnother: true, failedAtMs, lastGood: undefined });
      }
    }
    expect(fleet.asked).toHaveLength(1);
    await fleet.pass(1);
    const again = gateways.map((gateway) => gateway.fetch(fleet.wish()));
    await fleet.answer(served(300, 'a'));
    await fleet.pass(300);
    expect(await same(again)).toBe(keySetText('a'));
    expect(fleet.asked).toHaveLength(2);
  });

  it('is one when what came is no key set: the good one that lies there is not lost', async () => {
    const fleet = new GatewayFleet();
    await fleet.fetched(fleet.gateway(0), fleet.wish(), served(300, 'a'));
    await fleet.pass(250 * SECOND);
    const due = fleet.wish({ reason: 'due', newerThanMs: 1_000_000_000 });
    const html = { ok: true, text: '<html>', freshForSeconds: 300 } as const;
    expect(textOf(await fleet.fetched(fleet.gateway(0), due, html))).toBe('not-a-key-set');
    expect(textOf(await fleet.gateway(1).fetch(due))).toBe('not-a-key-set');
    expect(textOf(await fleet.gateway(2).fetch(fleet.wish()))).toBe(keySetText('a'));
  });

  it('gives a gateway that starts in an outage the last good set, which is no longer fresh', async () => {
    const fleet = new GatewayFleet();
    await fleet.fetched(fleet.gateway(0), fleet.wish(), served(300, 'a'));
    await fleet.pass(400 * SECOND);
    const lastGood = { ...served(300, 'a'), fetchedAtMs: 1_000_000_000, flush: 0, isAskedByAnother: true };
    const asked = await fleet.fetched(fleet.gateway(1), fleet.wish(), DOWN);
    expect(asked).toEqual({ ...DOWN, lastGood });
    expect(await fleet.gateway(2).fetch(fleet.wish())).toMatchObject({ ...DOWN, lastGood, isAskedByAnother: true });
    const held = await fleet.gateway(3).fetch(fleet.wish({ newerThanMs: 1_000_000_000 }));
    expect(held).toMatchObject({ ...DOWN, lastGood: undefined });
    expect(fleet.asked).toHaveLength(2);
  });

  it('is one although only a later version of gateways knows its name', async () => {
    const fleet = new GatewayFleet();
    for (const failure of ['out-of-patience', 'closed', 'under-way']) {
      await fleet.fetched(fleet.gateway(0), fleet.wish(), DOWN);
      await fleet.shelf.plant({ attempt: fleet.sealedAttempt({ kind: 'failed', failure, atMs: fleet.clock.ms }) });
      const found = await fleet.gateway(1).fetch(fleet.wish());
      expect(found).toMatchObject({ ok: false, failure: 'unreachable', failedAtMs: fleet.clock.ms });
      await fleet.pass(COOLDOWN_MS);
    }
  });

  it('is none when the gateway stopped: another one may ask at once', async () => {
    const fleet = new GatewayFleet();
    const [first, second] = [fleet.gateway(0), fleet.gateway(1)];
    const outcomes = [first.fetch(fleet.wish()), second.fetch(fleet.wish())];
    await fleet.answer(failed('closed'));
    await fleet.pass(200);
    await fleet.answer(served(300, 'a'));
    expect((await Promise.all(outcomes)).map(textOf)).toEqual(['closed', keySetText('a')]);
  });

  it('holds up the others no longer than a fetch may take and a second when the gateway died', async () => {
    const fleet = new GatewayFleet();
    void fleet.gateway(0).fetch(fleet.wish());
    await fleet.pass(0);
    fleet.pending.clear();
    const others = [1, 2, 3].map((by) => fleet.gateway(by).fetch(fleet.wish()));
    await fleet.pass(ATTEMPT_LASTS_MS - 1);
    expect(fleet.asked).toHaveLength(1);
    await fleet.pass(200);
    expect(fleet.asked).toHaveLength(2);
    await fleet.answer(served(300, 'a'));
    await fleet.pass(300);
    expect(await same(others)).toBe(keySetText('a'));
    expect(fleet.asked).toHaveLength(2);
  });
});

describe('a flush', () => {
  const flushed = { flush: 3 } as const;

  it('has the set fetched anew, once, although one lies there that is fresh', async () => {
    const fleet = new GatewayFleet();
    await fleet.fetched(fleet.gateway(0), fleet.wish({ flush: 2 }), served(300, 'a'));
    const outcomes = [0, 1, 2].map((by) => fleet.gateway(by).fetch(fleet.wish(flushed)));
    await fleet.answer(served(300, 'b'));
    await fleet.pass(300);
    expect(await same(outcomes)).toBe(keySetText('b'));
    expect((await Promise.all(outcomes)).map((outcome) => outcome.ok && outcome.flush)).toEqual([3, 3, 3]);
    expect(fleet.asked).toHaveLength(2);
    const behind = await fleet.gateway(3).fetch(fleet.wish({ flush: 2 }));
    expect(behind).toMatchObject({ text: keySetText('b'), flush: 3 });
  });

  it('forgets failures, unknown keys and what fails after it as a last good set', async () => {
    const fleet = new GatewayFleet();
    await fleet.fetched(fleet.gateway(0), fleet.wish(), served(60, 'a'));
    await fleet.pass(100 * SECOND);
    await fleet.fetched(fleet.gateway(0), fleet.wish({ reason: 'unknown-key' }), DOWN);
    const after = await fleet.fetched(fleet.gateway(1), fleet.wish(flushed), DOWN);
    expect(after).toEqual({ ...DOWN, lastGood: undefined });
    expect(fleet.asked).toHaveLength(3);
  });

  it('is not undone by a fetch that began before it and ends after it', async () => {
    const fleet = new GatewayFleet();
    const before = fleet.gateway(0).fetch(fleet.wish({ flush: 2 }));
    await fleet.pass(10);
    const [slow] = fleet.pending;
    const after = fleet.gateway(1).fetch(fleet.wish(flushed));
    await fleet.pass(10);
    expect(fleet.asked).toHaveLength(2);
    slow?.end(served(300, 'before'));
    expect(await before).toMatchObject({ text: keySetText('before'), flush: 2 });
    await fleet.answer(served(300, 'after'));
    expect(textOf(await after)).toBe(keySetText('after'));
    expect(textOf(await fleet.gateway(2).fetch(fleet.wish({ flush: 2 })))).toBe(keySetText('after'));
  });
});

describe('clocks of gateways', () => {
  it.each([-5_000, 5_000])(
    'may be %d ms apart: one fetch per period, per cooldown and per failure',
    async (aheadMs) => {
      const fleet = new GatewayFleet();
      const [even, other] = [fleet.gateway(0), fleet.gateway(1, { aheadMs })];
      await fleet.fetched(other, fleet.wish(), served(300, 'a'));
      const first = await even.fetch(fleet.wish());
      expect(textOf(first)).toBe(keySetText('a'));
      expect(first.ok && first.fetchedAtMs).toBeLessThanOrEqual(fleet.clock.ms);
      await fleet.pass(100);
      const unknown = fleet.wish({ reason: 'unknown-key', newerThanMs: first.ok ? first.fetchedAtMs : 0 });
      await fleet.fetched(even, unknown, served(300, 'b'));
      await fleet.pass(100);
      expect(textOf(await other.fetch({ ...unknown, newerThanMs: 1_000_000_000 + aheadMs }))).toBe(keySetText('b'));
      expect(fleet.asked).toHaveLength(2);
    },
  );

  it('are not believed when they are far ahead: nobody is kept from asking', async () => {
    const fleet = new GatewayFleet();
    const ahead = fleet.gateway(0, { aheadMs: CLOCKS_APART_MS + 1 });
    await fleet.fetched(ahead, fleet.wish({ reason: 'unknown-key' }), served(3_600, 'a'));
    expect(textOf(await fleet.fetched(fleet.gateway(1), fleet.wish(), served(300, 'b')))).toBe(keySetText('b'));
    expect(textOf(await fleet.gateway(2).fetch(fleet.wish()))).toBe(keySetText('b'));
    void ahead.fetch(fleet.wish({ flush: 1 }));
    await fleet.pass(0);
    const outcome = fleet.gateway(1).fetch(fleet.wish({ flush: 1 }));
    await fleet.pass(0);
    expect(fleet.asked).toHaveLength(4);
    await fleet.answer(served(300, 'c'));
    expect(textOf(await outcome)).toBe(keySetText('c'));
  });
});
