import { failed } from './fetched-document.ts';
import { KEY_SET_LIMITS } from './gateway-key-sets.ts';
import { served, verdict } from './testing/hand-driven-documents.ts';
import { ADDRESS, DOWN, OTHER, rig, user } from './testing/key-sets-rig.ts';

const HOUR = 3_600;
const numbered = (n: number): string => `https://idp.test/${n}`;
/** Each at a host of its own. */
const scattered = (n: number): string => `https://idp${n}.test/`;

describe('a key set that policies name', () => {
  it('is never too old for 10 hours without a request, for one fetch in four fifths of its freshness', async () => {
    const { sets, documents, pass, holding, now, log } = rig();
    await holding(300, 'a');
    for (let second = 0; second < 10 * HOUR; second += 1) {
      pass(1);
      sets.refreshDue();
      if (documents.pending > 0) await documents.answer(served(300, 'a'));
    }
    expect(documents.asked).toHaveLength(1 + (10 * HOUR) / 240);
    pass(59);
    expect([now('a'), log.lines]).toEqual(['found', []]);
  });

  it('is tried once per cooldown while its host fails, and is there as soon as the host is', async () => {
    const { sets, documents, pass, name, now } = rig();
    name(ADDRESS);
    await documents.answer(DOWN);
    for (let second = 0; second < 300; second += 1) {
      pass(1);
      sets.refreshDue();
      if (documents.pending > 0) await documents.answer(DOWN);
    }
    expect(documents.asked).toHaveLength(1 + 10);
    pass(30);
    sets.refreshDue();
    await documents.answer(served(300, 'a'));
    expect([now('a'), documents.pending]).toEqual(['found', 0]);
  });

  it('says of what use its fetch would be', async () => {
    const { sets, documents, pass, holding, clock } = rig();
    const startedAtMs = clock.ms;
    await holding(300, 'a');
    expect(documents.wish).toMatchObject({ reason: 'missing', newerThanMs: undefined, flush: 0 });
    pass(240);
    sets.refreshDue();
    expect(documents.wish).toMatchObject({ reason: 'due', newerThanMs: startedAtMs });
    await documents.answer(failed('under-way'));
    pass(60);
    sets.refreshDue();
    expect(documents.wish).toMatchObject({ reason: 'missing', newerThanMs: startedAtMs });
    await documents.answer(DOWN);
    pass(30);
    sets.refreshDue();
    expect(documents.wish).toMatchObject({ reason: 'due', newerThanMs: startedAtMs });
  });

  it('is fetched when the first proxy names it, whatever others do, and again only when all had left it', async () => {
    const { sets, documents, metric } = rig();
    const many = Array.from({ length: 5_000 }, (_, n) => user(`p${n}`, 1, ADDRESS));
    sets.follow({ added: many, dropped: [] });
    await documents.answer(DOWN);
    sets.follow({ added: [user('p0', 2, ADDRESS), user('other', 1, OTHER)], dropped: [user('p0', 1, ADDRESS)] });
    expect(documents.asked).toEqual([ADDRESS, OTHER]);
    const named = async (): Promise<string | undefined> => (await metric('s{origin="policy"}'))[0]?.split(' ')[1];
    sets.follow({ added: [], dropped: many.slice(1) });
    expect(await named()).toBe('2');
    sets.follow({ added: [], dropped: [user('p0', 2, ADDRESS)] });
    expect(await named()).toBe('1');
    sets.follow({ added: [user('p0', 3, ADDRESS)], dropped: [] });
    expect(documents.asked).toEqual([ADDRESS, OTHER, ADDRESS]);
  });

  it('costs nothing any more when no proxy names it, also when it is being fetched', async () => {
    const { sets, documents, pass, holding, metric } = rig();
    await holding(300, 'a');
    pass(240);
    sets.refreshDue();
    sets.follow({ added: [], dropped: [user('p', 1, ADDRESS)] });
    await documents.answer(served(300, 'a'));
    for (let second = 0; second < HOUR; second += 1) {
      pass(1);
      sets.refreshDue();
    }
    expect(documents.asked).toHaveLength(2);
    expect(await metric('_age_seconds')).toEqual([]);
  });

  it('is one with the set that a variable had named, unless that one never came', async () => {
    const { sets, documents, now, name } = rig();
    for (const address of [ADDRESS, OTHER]) void sets.current(address);
    await documents.answer(served(300, 'a'));
    await documents.answer(failed('redirect'));
    name(ADDRESS, OTHER);
    expect([now('a'), documents.asked.slice(2), documents.wish?.redirectsTo]).toEqual(['found', [OTHER], 'any-host']);
  });

  it('is fetched beside others, so many at a time that the gateway has time for requests', async () => {
    const { sets, documents, name } = rig();
    const addresses = Array.from({ length: 3 * KEY_SET_LIMITS.begunAtOnce }, (_, n) => scattered(n));
    name(...addresses);
    expect(documents.asked).toEqual(addresses.slice(0, KEY_SET_LIMITS.begunAtOnce));
    sets.refreshDue();
    sets.refreshDue();
    sets.refreshDue();
    expect(documents.asked).toEqual(addresses);
    await documents.answer(served(300, 'a'));
    expect(verdict(sets.current(scattered(0)), 'a')).toBe('found');
  });

  it('is begun no sooner than its host can answer it in time, unless a request waits for it', async () => {
    const { sets, documents, name } = rig();
    const addresses = Array.from({ length: 3 * KEY_SET_LIMITS.underWayPerHost }, (_, n) => numbered(n));
    name(...addresses, OTHER);
    const atFirst = [...addresses.slice(0, KEY_SET_LIMITS.underWayPerHost), OTHER];
    expect(documents.asked).toEqual(atFirst);
    sets.refreshDue();
    expect(documents.asked).toEqual(atFirst);
    const last = numbered(addresses.length - 1);
    void sets.current(last);
    expect(documents.asked).toEqual([...atFirst, last]);
    while (documents.pending > 0) {
      await documents.answer(served(300, 'a'));
      sets.refreshDue();
    }
    expect([...documents.asked].sort()).toEqual([...addresses, OTHER].sort());
  });

  it('tells when its keys last had other ids than before, whatever their order', async () => {
    const { sets, documents, pass, holding, metric } = rig();
    const refreshed = async (...keyIds: string[]) => {
      pass(300);
      sets.refreshDue();
      await documents.answer(served(300, ...keyIds));
      return metric('_changed_timestamp_seconds');
    };
    const at = (seconds: number) => [
      `gatewarden_key_set_changed_timestamp_seconds{address="https://idp.test/jwks"} ${seconds}`,
    ];
    await holding(300, 'a', 'b');
    expect(await refreshed('b', 'a')).toEqual([]);
    expect(await refreshed('b', 'c')).toEqual(at(1_600));
    expect(await refreshed('b', 'c')).toEqual(at(1_600));
    // Emptying it changes no key.
    sets.obey({ flushes: [{ uri: null, number: 1 }], denied: [] });
    await documents.answer(served(300, 'c', 'b'));
    expect(await metric('_changed_timestamp_seconds')).toEqual(at(1_600));
    expect(await refreshed('d')).toEqual(at(2_200));
  });
});
