import { equalMembers } from './testing/configured-gateways.ts';
import { KeySetFleet } from './testing/key-set-fleet.ts';
import { RedisRelay } from './testing/redis-relay.ts';
import { providerKey, RotatingProvider } from './testing/rotating-provider.ts';

// eslint-disable-next-line no-restricted-syntax -- set by the test run's global setup; this file is in no build
const redisUrl = process.env['TEST_REDIS_URL'];
if (redisUrl === undefined) throw new Error('TEST_REDIS_URL is not set: run the integration project of the tests');

const COOLDOWN_SECONDS = 30;
const FRESH_SECONDS = 300;
const STALE_LIMIT_SECONDS = 3_600;
const BOTH_PASS = ['pass', 'pass'];

describe('key sets of a fleet', () => {
  const relay = new RedisRelay(redisUrl);
  let fleet: KeySetFleet;
  let provider: RotatingProvider;
  let proxy = '';

  beforeEach(async () => {
    await relay.open();
    const settings = { redisUrl: relay.url, jwksStaleLimitSeconds: STALE_LIMIT_SECONDS };
    fleet = await KeySetFleet.start(redisUrl, equalMembers(2, settings));
    provider = await RotatingProvider.start(await providerKey('first'));
    proxy = 'orders';
    await fleet.publish(proxy, provider);
  });
  afterEach(async () => {
    await fleet.stop();
    await provider.goAway();
    await relay.cut();
  });

  const verdicts = (): Promise<readonly string[]> => fleet.verdicts(proxy, provider.token());
  const said = (level: string): readonly string[] => [...new Set(fleet.gateways.log.at(level))];

  it('serve on while their host is gone, say so, are refused beyond the stale limit, and come back with it', async () => {
    expect(await verdicts()).toEqual(BOTH_PASS);
    await provider.goAway();
    fleet.passSeconds(FRESH_SECONDS + 1);
    expect(await verdicts()).toEqual(BOTH_PASS);
    expect(await fleet.metric('gatewarden_key_set_stale_servings_total')).toEqual([1, 1]);
    expect(said('warn')).toEqual(
      expect.arrayContaining([
        'a key set cannot be fetched',
        'a key set is no longer fresh: serving on with the last good one',
      ]),
    );
    fleet.passSeconds(STALE_LIMIT_SECONDS - FRESH_SECONDS - 2);
    expect(await verdicts()).toEqual(BOTH_PASS);
    expect(said('error')).toEqual([]);
    fleet.passSeconds(1);
    expect(await verdicts()).toEqual(['InvalidKeyConfiguration', 'InvalidKeyConfiguration']);
    expect(said('error')).toEqual(['the last good key set is too old: its tokens are refused']);
    await provider.comeBack();
    fleet.passSeconds(COOLDOWN_SECONDS);
    expect(await verdicts()).toEqual(BOTH_PASS);
    expect(said('info')).toContain('a key set can be fetched again');
  });

  it.each([
    ['fresh', 0],
    ['no longer fresh', FRESH_SECONDS + 1],
  ])('are there for a gateway that starts while the host is gone: %s', async (_what, seconds) => {
    expect(await verdicts()).toEqual(BOTH_PASS);
    await provider.goAway();
    fleet.passSeconds(seconds);
    await fleet.gateways.add({ id: 'edge-late', settings: { jwksStaleLimitSeconds: STALE_LIMIT_SECONDS } });
    expect(await fleet.verdict('edge-late', proxy, provider.token())).toBe('pass');
    expect(provider.fetches).toBe(1);
  });

  it('are verified with and rotated on while Redis is gone, each gateway for itself', async () => {
    expect(await verdicts()).toEqual(BOTH_PASS);
    await relay.cut();
    expect(await verdicts()).toEqual(BOTH_PASS);
    const next = await providerKey('second');
    provider.listed = [...provider.listed, next];
    provider.signWith(next);
    fleet.passSeconds(COOLDOWN_SECONDS);
    expect(await verdicts()).toEqual(BOTH_PASS);
    expect(provider.fetches).toBe(3);
    fleet.passSeconds(FRESH_SECONDS + 1);
    expect(await verdicts()).toEqual(BOTH_PASS);
  });
});
