import { randomBytes } from 'node:crypto';
import { ChannelKeys } from '#libs/config-distribution';
import { ATTEMPT_LASTS_MS } from './attempt-standing.ts';
import type { FetchOutcome } from './fetched-document.ts';
import { ADDRESS, DOWN, GatewayFleet, SharedShelf } from './testing/gateway-fleet.ts';
import { keySetText, served } from './testing/hand-driven-documents.ts';

const SECOND = 1_000;
const OTHER = 'https://other.test/jwks';

const textOf = (outcome: FetchOutcome): string => (outcome.ok ? outcome.text : outcome.failure);

/** What another environment, or whoever knows none of its keys, would write there. */
async function foreignTexts() {
  const foreign = new GatewayFleet();
  await foreign.fetched(foreign.gateway(0), foreign.wish(), served(300, 'forged'));
  return foreign.shelf.held();
}

/** A fleet that has fetched two sets: number 0 of ADDRESS, number 1 of OTHER. */
async function fleetOfTwoSets() {
  const fleet = new GatewayFleet();
  await fleet.fetched(fleet.gateway(0), fleet.wish(), served(300, 'a'));
  await fleet.fetched(fleet.gateway(0), fleet.wish({ address: OTHER }), served(300, 'b'));
  return fleet;
}

describe('whoever may write to Redis', () => {
  it.each<[string, (own: string, other: string, attempt: string, forged: string) => string]>([
    ['one that another environment sealed', (_own, _other, _attempt, forged) => forged],
    ['the one of another address', (_own, other) => other],
    ['an attempt in its place', (_own, _other, attempt) => attempt],
    ['a part of it', (own) => own.slice(0, -20)],
    ['one with a byte changed', (own) => own.replace(/.$/, (last) => (last === 'A' ? 'Q' : 'A'))],
    [
      'one in clear',
      () => JSON.stringify({ text: keySetText('forged'), freshForSeconds: 300, fetchedAtMs: 1, flush: 0 }),
    ],
    ['nothing at all', () => ' '],
  ])('cannot plant a key set: %s is refused, told once and overwritten', async (_what, made) => {
    const fleet = await fleetOfTwoSets();
    const [own, other, foreign] = [await fleet.shelf.held(0), await fleet.shelf.held(1), await foreignTexts()];
    const planted = made(own.document ?? '', other.document ?? '', own.attempt ?? '', foreign.document ?? '');
    await fleet.shelf.plant({ document: planted });
    const asked = fleet.asked.length;
    expect(textOf(await fleet.fetched(fleet.gateway(1), fleet.wish(), served(300, 'c')))).toBe(keySetText('c'));
    expect(fleet.asked).toHaveLength(asked + 1);
    expect(textOf(await fleet.gateway(2).fetch(fleet.wish()))).toBe(keySetText('c'));
    await fleet.shelf.plant({ document: planted });
    await fleet.fetched(fleet.gateway(1), fleet.wish(), served(300, 'd'));
    expect(fleet.log.lines).toMatchObject([{ level: 'warn', problem: 'altered-key-set', host: 'idp.test' }]);
    expect(JSON.stringify(fleet.log.lines)).not.toContain('s3cret');
    expect(await fleet.metrics.registry.metrics()).toContain('problem="altered-key-set"} 1');
  });

  it.each<[string, (own: string, other: string, document: string, forged: string) => string]>([
    ['one that another environment sealed', (_own, _other, _document, forged) => forged],
    ['the one of another address', (_own, other) => other],
    ['a document in its place', (_own, _other, document) => document],
    ['a part of it', (own) => own.slice(0, -20)],
    ['nothing at all', () => ' '],
  ])('cannot keep gateways from asking: as an attempt, %s is refused, told and overwritten', async (_what, made) => {
    const fleet = await fleetOfTwoSets();
    await fleet.fetched(fleet.gateway(0), fleet.wish({ address: OTHER, flush: 1 }), DOWN);
    const [own, other] = [await fleet.shelf.held(0), await fleet.shelf.held(1)];
    const foreign = new GatewayFleet();
    await foreign.fetched(foreign.gateway(0), foreign.wish(), DOWN);
    const forged = (await foreign.shelf.held()).attempt ?? '';
    const planted = made(own.attempt ?? '', other.attempt ?? '', own.document ?? '', forged);
    await fleet.shelf.plant({ attempt: planted });
    const unknown = fleet.wish({ reason: 'unknown-key', newerThanMs: fleet.clock.ms });
    expect(textOf(await fleet.fetched(fleet.gateway(1), unknown, served(300, 'c')))).toBe(keySetText('c'));
    expect((await fleet.shelf.held(0)).attempt).not.toBe(planted);
    expect(fleet.log.lines).toMatchObject([{ level: 'warn', problem: 'altered-key-set-attempt' }]);
  });

  it('cannot bring an older set back: not to gateways that have a newer one, not when it is no longer fresh', async () => {
    const fleet = new GatewayFleet();
    await fleet.fetched(fleet.gateway(0), fleet.wish(), served(300, 'revoked'));
    const old = await fleet.shelf.held();
    await fleet.pass(100 * SECOND);
    const unknown = fleet.wish({ reason: 'unknown-key', newerThanMs: 1_000_000_000 });
    await fleet.fetched(fleet.gateway(0), unknown, served(300, 'new'));
    const newestAtMs = fleet.clock.ms;
    await fleet.shelf.plant(old);
    await fleet.pass(SECOND);
    const due = fleet.wish({ reason: 'due', newerThanMs: newestAtMs });
    expect(textOf(await fleet.fetched(fleet.gateway(1), due, served(300, 'newer')))).toBe(keySetText('newer'));
    await fleet.shelf.plant(old);
    await fleet.pass(200 * SECOND);
    expect(textOf(await fleet.fetched(fleet.gateway(2), fleet.wish(), served(300, 'newest')))).toBe(
      keySetText('newest'),
    );
  });

  it('cannot bring a set from before a flush back', async () => {
    const fleet = new GatewayFleet();
    await fleet.fetched(fleet.gateway(0), fleet.wish(), served(3_600, 'revoked'));
    const old = await fleet.shelf.held();
    await fleet.fetched(fleet.gateway(0), fleet.wish({ flush: 1 }), served(300, 'new'));
    await fleet.shelf.plant(old);
    const outcome = await fleet.fetched(fleet.gateway(1), fleet.wish({ flush: 1 }), DOWN);
    expect(outcome).toEqual({ ...DOWN, lastGood: undefined });
  });

  it('cannot hold up anybody for longer than an attempt lasts by bringing one back', async () => {
    const fleet = new GatewayFleet();
    const first = fleet.gateway(0).fetch(fleet.wish());
    await fleet.pass(0);
    const { attempt } = await fleet.shelf.held();
    await fleet.answer(served(300, 'a'));
    await first;
    await fleet.pass(ATTEMPT_LASTS_MS);
    await fleet.shelf.plant({ attempt, document: ' ' });
    expect(textOf(await fleet.fetched(fleet.gateway(1), fleet.wish(), served(300, 'b')))).toBe(keySetText('b'));
  });

  it('cannot keep a gateway from asking by putting something else there each time', async () => {
    class Contested extends SharedShelf {
      override async attempt(): Promise<string> {
        return randomBytes(8).toString('hex');
      }
    }
    const fleet = new GatewayFleet(new Contested(1, () => 0));
    const outcome = await fleet.fetched(fleet.gateway(0), fleet.wish(), served(300, 'a'));
    expect(textOf(outcome)).toBe(keySetText('a'));
    expect(await fleet.wishes()).toEqual({ alone: 1 });
  });

  it('cannot make anybody wait for ever, however slow Redis is and however many attempts come', async () => {
    class SlowAndBusy extends SharedShelf {
      override async attempt(): Promise<string> {
        await fleet.pause(SECOND);
        return fleet.sealedAttempt(null);
      }
    }
    const fleet: GatewayFleet = new GatewayFleet(new SlowAndBusy(1, () => 0));
    const sinceMs = fleet.clock.ms;
    const outcome = fleet.gateway(0).fetch(fleet.wish());
    await fleet.pass(2 * ATTEMPT_LASTS_MS + 2 * SECOND);
    expect(fleet.asked).toHaveLength(1);
    expect(fleet.asked[0]?.atMs).toBeLessThanOrEqual(sinceMs + 2 * ATTEMPT_LASTS_MS + SECOND);
    await fleet.answer(served(300, 'a'));
    expect(textOf(await outcome)).toBe(keySetText('a'));
  });

  it('can read neither an address nor a set', async () => {
    const fleet = new GatewayFleet();
    await fleet.fetched(fleet.gateway(0), fleet.wish(), served(300, 'a'));
    const { attempt, document } = await fleet.shelf.held();
    const { name } = fleet.shelf.entry();
    expect(`${attempt} ${document} ${name}`).toMatch(/^s1\.[\w.-]+ s1\.[\w.-]+ [\w-]{43}$/);
    expect(ADDRESS).toContain('s3cret');
  });
});

describe('a gateway that cannot share', () => {
  const A = served(300, 'a');

  it('asks for itself while Redis is away, and shares again when it is back', async () => {
    const fleet = new GatewayFleet();
    fleet.shelf.isAway = true;
    const outcomes = fleet.gateways(3).map((gateway) => gateway.fetch(fleet.wish()));
    await fleet.answer(A);
    expect(new Set((await Promise.all(outcomes)).map(textOf))).toEqual(new Set([A.text]));
    expect(await outcomes[0]).toEqual({ ...A, fetchedAtMs: fleet.clock.ms, flush: 0 });
    expect(fleet.asked).toHaveLength(3);
    expect(await fleet.wishes()).toEqual({ alone: 3 });
    fleet.shelf.isAway = false;
    await fleet.fetched(fleet.gateway(0), fleet.wish(), A);
    expect(textOf(await fleet.gateway(1).fetch(fleet.wish()))).toBe(A.text);
    expect(fleet.asked).toHaveLength(4);
  });

  it('has what it asked for although Redis went away meanwhile; the others ask for themselves', async () => {
    const fleet = new GatewayFleet();
    const outcomes = [0, 1].map((by) => fleet.gateway(by).fetch(fleet.wish()));
    await fleet.pass(100);
    expect(fleet.asked).toHaveLength(1);
    fleet.shelf.isAway = true;
    await fleet.pass(200);
    expect(fleet.asked).toHaveLength(2);
    await fleet.answer(A);
    expect((await Promise.all(outcomes)).map(textOf)).toEqual([A.text, A.text]);
  });

  it('asks once when Redis goes away as the attempt begins', async () => {
    class Vanishing extends SharedShelf {
      override async document(): Promise<undefined> {
        this.isAway = true;
      }
    }
    const fleet = new GatewayFleet(new Vanishing(1, () => 0));
    expect(textOf(await fleet.fetched(fleet.gateway(0), fleet.wish(), A))).toBe(A.text);
    expect(fleet.asked).toHaveLength(1);
  });

  it('asks for itself before it has the keys of the environment, and leaves nothing on the shelf', async () => {
    const fleet = new GatewayFleet();
    const known: { keys: ChannelKeys | undefined } = { keys: undefined };
    const gateway = fleet.gateway(0, { keys: () => known.keys });
    expect(textOf(await fleet.fetched(gateway, fleet.wish(), A))).toBe(A.text);
    expect(fleet.shelf.entries.size).toBe(0);
    known.keys = fleet.keys;
    await fleet.fetched(gateway, fleet.wish(), A);
    expect(textOf(await fleet.gateway(1).fetch(fleet.wish()))).toBe(A.text);
    expect(fleet.asked).toHaveLength(2);
  });
});
