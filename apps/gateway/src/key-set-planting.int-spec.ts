import { Redis } from 'ioredis';
import { KeySetFleet } from './testing/key-set-fleet.ts';
import { providerKey, RotatingProvider, type ProviderKey } from './testing/rotating-provider.ts';

// eslint-disable-next-line no-restricted-syntax -- set by the test run's global setup; this file is in no build
const redisUrl = process.env['TEST_REDIS_URL'];
if (redisUrl === undefined) throw new Error('TEST_REDIS_URL is not set: run the integration project of the tests');

/** What stands in an environment's Redis of fetched key sets: sealed texts by their hash and field. */
class SharedTexts {
  readonly #redis = new Redis(redisUrl ?? '');

  /** Of the hashes whose name ends so. */
  async of(environment: string, ending: string): Promise<ReadonlyMap<string, string>> {
    const hashes = await this.#redis.keys(`*{${environment}}*:key-sets:*:${ending}`);
    const texts = await Promise.all(hashes.map((hash) => this.#redis.hgetall(hash)));
    return new Map(texts.flatMap((fields) => Object.entries(fields)));
  }

  async plant(environment: string, field: string, text: string): Promise<void> {
    const hashes = await this.#redis.keys(`*{${environment}}*:key-sets:*:documents`);
    expect(hashes).toHaveLength(1);
    for (const hash of hashes) await this.#redis.hset(hash, field, text);
  }

  close(): void {
    this.#redis.disconnect();
  }
}

describe('whoever can write the Redis of an environment, but has not its key,', () => {
  const texts = new SharedTexts();
  let fleet: KeySetFleet;
  let elsewhere: KeySetFleet;
  let provider: RotatingProvider;
  let [good, evil]: ProviderKey[] = [];
  let evilProvider: RotatingProvider;
  let place = '';
  let genuine = '';
  let started = 0;

  beforeAll(async () => {
    [good, evil] = [await providerKey('key'), await providerKey('key')];
    fleet = await KeySetFleet.start(redisUrl, [{ id: 'edge' }]);
    elsewhere = await KeySetFleet.start(redisUrl, [{ id: 'edge' }]);
    evilProvider = await RotatingProvider.start(evil);
    // The very address, with other keys: as another environment once knew it.
    provider = await RotatingProvider.start(evil);
    await elsewhere.publish('orders', provider);
    expect(await elsewhere.verdicts('orders', evilProvider.token())).toEqual(['pass']);
    provider.listed = [good];
    await fleet.publish('orders', provider);
    expect(await fleet.verdicts('orders', provider.token(good))).toEqual(['pass']);
    [[place, genuine] = ['', '']] = await texts.of(fleet.gateways.environment, 'documents');
    // An address of the same environment that others answer for.
    await fleet.publish('partner', evilProvider);
    expect(await fleet.verdicts('partner', evilProvider.token())).toEqual(['pass']);
    await provider.goAway();
  });
  afterAll(async () => {
    texts.close();
    await fleet.stop();
    await elsewhere.stop();
    await evilProvider.goAway();
  });

  /** A gateway that has no set of its own yet: verdicts on a token of the planted key, and on a good one. */
  async function newcomer(): Promise<readonly string[]> {
    started += 1;
    const id = `newcomer-${started}`;
    await fleet.gateways.add({ id });
    const judged = (key: ProviderKey): Promise<string> => fleet.verdict(id, 'orders', provider.token(key));
    return [await judged(evil as ProviderKey), await judged(good as ProviderKey)];
  }

  const otherOf = async (environment: string, ending: string, not: string): Promise<string> => {
    const found = [...(await texts.of(environment, ending))].find(([field]) => field !== not);
    if (found === undefined) throw new RangeError('nothing else is there');
    return found[1];
  };
  const REFUSED = ['InvalidKeyConfiguration', 'InvalidKeyConfiguration'];

  it('sees a newcomer take the genuine set, of which the text tells nothing', async () => {
    expect(await newcomer()).toEqual(['InvalidToken', 'pass']);
    for (const text of [genuine, Buffer.from(genuine, 'base64url').toString('latin1')])
      expect(text).not.toMatch(/"keys"|127\.0\.0\.1/);
  });

  it.each([
    ['a set of its own making', () => Promise.resolve(JSON.stringify({ keys: [evil?.jwk] }))],
    ['the set of another address', () => otherOf(fleet.gateways.environment, 'documents', place)],
    ['the same address as another environment knew it', () => otherOf(elsewhere.gateways.environment, 'documents', '')],
    [
      'an attempt of the same address',
      async () => (await texts.of(fleet.gateways.environment, 'attempts')).get(place) ?? '',
    ],
    ['half of the genuine one', () => Promise.resolve(genuine.slice(0, genuine.length / 2))],
    ['one with a byte changed', () => Promise.resolve(genuine.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')))],
  ])('plants no key by %s, and it is told', async (_what, planted) => {
    const text = await planted();
    expect(text).not.toBe(genuine);
    await texts.plant(fleet.gateways.environment, place, text);
    const before = fleet.gateways.log.lines.length;
    expect(await newcomer()).toEqual(REFUSED);
    const told = fleet.gateways.log.lines.slice(before).map(({ msg }) => msg);
    expect(told).toContain('a shared key set was not sealed by a gateway of the environment: treated as absent');
    const reports = await fleet.gateways.metric(`newcomer-${started}`, 'gatewarden_reports_total');
    expect(reports).toContain('gatewarden_reports_total{problem="altered-key-set"} 1');
    // Who had the genuine set keeps it.
    expect(await fleet.verdict('edge', 'orders', provider.token(good))).toBe('pass');
    expect(await fleet.verdict('edge', 'orders', provider.token(evil))).toBe('InvalidToken');
    await texts.plant(fleet.gateways.environment, place, genuine);
  });

  it('takes the set away at most', async () => {
    await texts.plant(fleet.gateways.environment, place, '');
    expect(await newcomer()).toEqual(REFUSED);
    expect(await fleet.verdict('edge', 'orders', provider.token(good))).toBe('pass');
    await texts.plant(fleet.gateways.environment, place, genuine);
    expect(await newcomer()).toEqual(['InvalidToken', 'pass']);
  });
});
