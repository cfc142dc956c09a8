import { NO_KEY_SET_ORDERS, type KeySetOrders } from '#libs/policy-contracts';
import { PAUSE_MS } from './fetch-restraint.ts';
import { failed } from './fetched-document.ts';
import { KEY_SET_LIMITS } from './gateway-key-sets.ts';
import { served, verdict, verdicts } from './testing/hand-driven-documents.ts';
import { ADDRESS, DOWN, OTHER, rig, SECOND } from './testing/key-sets-rig.ts';

const flushed = (number: number, uri: string | null = ADDRESS): KeySetOrders => ({
  flushes: [{ uri, number }],
  denied: [],
});
const denied = (kid: string, uri = ADDRESS): KeySetOrders => ({ flushes: [], denied: [{ uri, kid }] });

describe('an order to empty key sets', () => {
  it('takes what was held at once, and fetches again what policies name', async () => {
    const { sets, documents, now, holding, metric, log } = rig();
    await holding(300, 'stolen');
    sets.obey(flushed(7));
    expect([now('stolen'), documents.pending]).toEqual(['waits', 1]);
    expect(documents.wish).toMatchObject({ reason: 'missing', newerThanMs: undefined, flush: 7 });
    await documents.answer(served(300, 'b'));
    expect([now('stolen'), now('b')]).toEqual(['NoMatchingPublicKey', 'found']);
    expect(await metric('_flushes_total')).toEqual(['gatewarden_key_set_flushes_total 1']);
    expect(log.lines).toMatchObject([{ level: 'info', sets: 1, hosts: ['idp.test'] }]);
    expect(log.text).not.toContain('s3cret');
  });

  it('is obeyed once, however often it is told', async () => {
    const { sets, documents, now, holding, log } = rig();
    await holding(300, 'a');
    sets.obey(flushed(7));
    await documents.answer(served(300, 'a'));
    sets.obey(flushed(7));
    sets.obey({ flushes: [...flushed(7).flushes, { uri: OTHER, number: 8 }], denied: [] });
    expect([now('a'), documents.asked.length, log.lines.length]).toEqual(['found', 2, 1]);
    sets.obey(flushed(9, null));
    expect([now('a'), documents.asked.length, log.lines.length]).toEqual(['waits', 3, 2]);
  });

  it('takes nothing of what was asked for before it: those who wait, wait for what is asked for after it', async () => {
    const { sets, documents, now, name, metric } = rig();
    name(ADDRESS);
    const waiting = [sets.current(ADDRESS), sets.newerFor(ADDRESS, 'fresh')];
    sets.obey(flushed(1));
    expect(documents.pending).toBe(2);
    await documents.answer(served(300, 'stolen'));
    expect([now('stolen'), documents.pending]).toEqual(['waits', 1]);
    await documents.answer(served(300, 'fresh'));
    expect(await verdicts(waiting, 'fresh')).toEqual(['found', 'found']);
    expect([now('stolen'), documents.asked.length]).toEqual(['NoMatchingPublicKey', 2]);
    // It was fetched all the same.
    expect(await metric('_fetches_total')).toEqual(['gatewarden_key_set_fetches_total{outcome="ok"} 2']);
  });

  it('takes nothing of it either when that comes last', async () => {
    const { sets, documents, now, pass, holding } = rig();
    await holding(300, 'stolen');
    pass(250);
    now('stolen');
    sets.obey(flushed(1));
    const late = documents.takeOldest();
    await documents.answer(served(300, 'fresh'));
    await late(served(300, 'stolen'));
    expect([now('stolen'), now('fresh')]).toEqual(['NoMatchingPublicKey', 'found']);
  });

  it('gives those who wait what is asked for after it at once, also where no policy names the address', async () => {
    const { sets, documents } = rig();
    const waiting = sets.current(OTHER);
    sets.obey(flushed(1, null));
    const outdated = documents.takeOldest();
    await documents.answer(served(300, 'a'));
    expect(verdict(await waiting, 'a')).toBe('found');
    await outdated(DOWN);
    expect(verdict(sets.current(OTHER), 'a')).toBe('found');
  });

  it('forgets cooldowns and keys that were not there', async () => {
    const { sets, documents, now, holding } = rig();
    await holding(300, 'a');
    void sets.newerFor(ADDRESS, 'b');
    await documents.answer(served(300, 'a'));
    expect(sets.newerFor(ADDRESS, 'b')).toBeUndefined();
    sets.obey(flushed(1));
    await documents.answer(served(300, 'a'));
    expect(verdict(sets.newerFor(ADDRESS, 'b'), 'b')).toBe('waits');
    await documents.answer(DOWN);
    expect(sets.newerFor(ADDRESS, 'b')).toBeUndefined();
    sets.obey(flushed(2));
    await documents.answer(DOWN);
    expect(now('a')).toBe('InvalidKeyConfiguration');
    sets.obey(flushed(3));
    expect(documents.pending).toBe(1);
  });

  it('is obeyed by sets that come later, and fetches no set that only variables name', async () => {
    const { sets, documents, now, name } = rig();
    void sets.current(OTHER);
    await documents.answer(served(300, 'a'));
    sets.obey(flushed(4, null));
    expect(documents.asked).toEqual([OTHER]);
    expect([now('a', OTHER), documents.wish?.flush]).toEqual(['waits', 4]);
    name(ADDRESS);
    expect([documents.asked.at(-1), documents.wish?.flush]).toEqual([ADDRESS, 4]);
  });

  it('of very many sets leaves the gateway time for requests', async () => {
    const { sets, documents, name } = rig();
    const addresses = Array.from({ length: 2 * KEY_SET_LIMITS.begunAtOnce }, (_, n) => `https://idp${n}.test/`);
    name(...addresses);
    sets.refreshDue();
    for (const _ of addresses) await documents.answer(served(300, 'a'));
    sets.obey(flushed(1, null));
    expect(documents.pending).toBe(KEY_SET_LIMITS.begunAtOnce);
    expect(verdict(sets.current(addresses.at(-1) ?? ''), 'a')).toBe('waits');
    sets.refreshDue();
    expect(documents.pending).toBe(addresses.length);
  });

  it('ends no outage: its end is told once the set is there', async () => {
    const { sets, documents, pass, holding, log } = rig();
    await holding(300, 'a');
    pass(240);
    sets.refreshDue();
    await documents.answer(DOWN);
    sets.obey(flushed(1));
    await documents.answer(DOWN);
    pass(30);
    sets.refreshDue();
    await documents.answer(served(300, 'a'));
    expect(log.lines.map(({ msg }) => msg)).toEqual([
      'a key set cannot be fetched',
      'key sets were emptied by order',
      'a key set can be fetched again',
    ]);
  });
});

describe('a key that is denied', () => {
  it('is refused at once whatever its set says, and is given back at once', async () => {
    const { sets, documents, now, holding, metric, log } = rig();
    await holding(300, 'a', 'b');
    sets.obey(denied('a'));
    expect([now('a'), now('b')]).toEqual(['NoMatchingPublicKey', 'found']);
    sets.obey(denied('a'));
    sets.obey(NO_KEY_SET_ORDERS);
    expect([now('a'), now('b'), documents.asked.length]).toEqual(['found', 'found', 1]);
    expect(await metric('_denied_total')).toEqual(['gatewarden_key_set_denied_total 1']);
    expect(log.lines.map(({ level, host, kid, msg }) => [level, host, kid, msg])).toEqual([
      ['info', 'idp.test', 'a', 'a key is denied by order: its tokens are refused'],
      ['info', 'idp.test', 'a', 'a key is no longer denied'],
    ]);
  });

  it('is refused by what is fetched while or after it was denied', async () => {
    const { sets, documents, now, pass, name } = rig();
    name(ADDRESS);
    const waiting = sets.current(ADDRESS);
    sets.obey(denied('a'));
    await documents.answer(served(300, 'a'));
    expect(verdict(await waiting, 'a')).toBe('NoMatchingPublicKey');
    pass(240);
    sets.refreshDue();
    await documents.answer(served(300, 'a'));
    expect(now('a')).toBe('NoMatchingPublicKey');
    pass(300);
    const stale = sets.current(ADDRESS);
    await documents.answer(DOWN);
    expect(verdict(await stale, 'a')).toBe('NoMatchingPublicKey');
  });

  it('never causes a fetch, and hides no other key', async () => {
    const { sets, documents, holding } = rig();
    await holding(300, 'a');
    sets.obey(denied('a'));
    expect(sets.newerFor(ADDRESS, 'a')).toBeUndefined();
    const newer = sets.newerFor(ADDRESS, 'b');
    expect([verdict(newer, 'b'), sets.newerFor(ADDRESS, 'a')]).toEqual(['waits', undefined]);
    await documents.answer(served(300, 'a', 'b'));
    expect(verdict(await newer, 'b')).toBe('found');
    expect(documents.asked).toHaveLength(2);
  });

  it('is denied at its address alone, and in sets that come later', async () => {
    const { sets, documents, now, holding } = rig();
    sets.obey({ flushes: [], denied: [...denied('a').denied, ...denied('b', OTHER).denied] });
    await holding(300, 'a', 'b');
    void sets.current(OTHER);
    await documents.answer(served(300, 'a', 'b'));
    expect([now('a'), now('b')]).toEqual(['NoMatchingPublicKey', 'found']);
    expect([now('a', OTHER), now('b', OTHER)]).toEqual(['found', 'NoMatchingPublicKey']);
  });

  it.each([
    'https://idp.test/jwks?tenant=s3cret&x=1',
    'https://idp.test/%6Awks?tenant=s3cret',
    'https://idp.test//jwks?tenant=s3cret',
    'https://idp.test:8443/jwks?tenant=s3cret',
    'http://idp.test/jwks?tenant=s3cret',
  ])('is denied at %s too when a variable says so: a caller may have spelled it', async (address) => {
    const { sets, documents, now, name } = rig();
    const first = sets.current(address);
    sets.obey(denied('a'));
    await documents.answer(served(300, 'a', 'b'));
    expect([verdict(await first, 'a'), now('a', address), now('b', address)]).toEqual([
      ...['NoMatchingPublicKey', 'NoMatchingPublicKey', 'found'],
    ]);
    // What a policy names is nobody's spelling but the operator's: its own denials count.
    name(address);
    expect(now('a', address)).toBe('found');
  });

  it('costs nothing where no key is: the set is used as it was read', async () => {
    const { sets, holding } = rig();
    await holding(300, 'a');
    const before = sets.current(ADDRESS);
    sets.obey(denied('a', OTHER));
    expect(sets.current(ADDRESS)).toBe(before);
  });

  it('is not taken for one that was found by those who wait for another', async () => {
    const { sets, documents, pass, holding } = rig();
    await holding(300, 'a');
    sets.obey(denied('a'));
    const newer = sets.newerFor(ADDRESS, 'b');
    await documents.answer(failed('asked-lately'));
    expect(verdict(await newer, 'b')).toBe('NoMatchingPublicKey');
    pass(PAUSE_MS / SECOND);
    expect(sets.newerFor(ADDRESS, 'b')).toBeUndefined();
  });
});
