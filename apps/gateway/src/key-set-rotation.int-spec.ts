import { Rig } from './http-server/testing/rig.ts';
import { ConfiguredGateways, equalMembers } from './testing/configured-gateways.ts';
import { askContinuously } from './testing/continuous-requests.ts';
import { fetchedKeysPolicy, providerKeys, RotatingProvider, type ProviderKey } from './testing/rotating-provider.ts';

// eslint-disable-next-line no-restricted-syntax -- set by the test run's global setup; this file is in no build
const redisUrl = process.env['TEST_REDIS_URL'];
if (redisUrl === undefined) throw new Error('TEST_REDIS_URL is not set: run the integration project of the tests');

const REQUESTS = 20_000;
const MS_PER_SECOND = 1_000;
const STARTS_AT_MS = 1_700_000_000_000;
const GATEWAYS = 2;

/** Gives the keys one after the other. */
function inTurn(keys: readonly ProviderKey[]): () => ProviderKey {
  const left = keys.values();
  return () => {
    const { value } = left.next();
    if (value === undefined) throw new RangeError('more rotations than keys');
    return value;
  };
}

describe('an identity provider that rotates its keys under load', () => {
  const rig = new Rig();
  let gateways: ConfiguredGateways;
  let upstreamUrl: string;
  let provider: RotatingProvider;

  beforeAll(async () => {
    upstreamUrl = (await rig.upstream((_request, response) => response.end())).url;
    gateways = await ConfiguredGateways.start(redisUrl, STARTS_AT_MS, equalMembers(GATEWAYS, { logLevel: 'info' }));
  });
  afterAll(async () => {
    await gateways.stop();
    await rig.stop();
  });
  afterEach(() => provider.goAway());

  const publish = (proxy: string): Promise<void> => {
    const pipelines = { request: [fetchedKeysPolicy(provider.address)] };
    return gateways.publish([{ proxy, addresses: [upstreamUrl], pipelines }]);
  };
  const underLoad = (proxy: string, onAnswered: (answered: number) => void) =>
    askContinuously(REQUESTS, {
      ...{ ports: gateways.ids.map((id) => gateways.port(id)), path: `/${proxy}/7` },
      ...{ token: () => provider.token(), onAnswered },
    });

  it('at one moment, more than a cooldown apart, costs one fetch each and refuses nobody', async () => {
    const [requestsApart, secondsApart] = [400, 31];
    const rotations = REQUESTS / requestsApart - 1;
    const nextKey = inTurn(await providerKeys(rotations + 1));
    let current = nextKey();
    provider = await RotatingProvider.start(current);
    await publish('abrupt');
    const statuses = await underLoad('abrupt', (answered) => {
      if (answered % requestsApart !== 0 || answered === REQUESTS) return;
      gateways.nowMs += secondsApart * MS_PER_SECOND;
      const next = nextKey();
      provider.listed = [current, next];
      provider.signWith(next);
      current = next;
    });
    expect(statuses).toEqual({ 200: REQUESTS });
    expect(provider.fetches).toBe(1 + rotations);
  }, 240_000);

  it('by publishing them before they sign costs one fetch per period, none for a key, and refuses nobody', async () => {
    const freshSeconds = 60;
    const [publishAheadSeconds, listOnSeconds, secondsApart] = [62, 20, 90];
    const [requestsPerStep, stepSeconds] = [40, 2];
    const seconds = (REQUESTS / requestsPerStep) * stepSeconds;
    const nextKey = inTurn(await providerKeys(Math.ceil(seconds / secondsApart) + 1));
    let current = nextKey();
    let next: ProviderKey | undefined;
    provider = await RotatingProvider.start(current);
    provider.headers = { 'cache-control': `max-age=${freshSeconds}` };
    await publish('ahead');
    const startedAtMs = gateways.nowMs;
    let [beganAtMs, rotations, steps] = [startedAtMs, 0, 0];
    const rotate = (): void => {
      const sinceSeconds = (gateways.nowMs - beganAtMs) / MS_PER_SECOND;
      if (next === undefined && sinceSeconds >= listOnSeconds) provider.listed = [current];
      if (next === undefined && sinceSeconds >= secondsApart - publishAheadSeconds) {
        next = nextKey();
        provider.listed = [current, next];
      }
      if (next === undefined || sinceSeconds < secondsApart) return;
      provider.signWith(next);
      [current, next, beganAtMs, rotations] = [next, undefined, gateways.nowMs, rotations + 1];
    };
    const statuses = await underLoad('ahead', (answered) => {
      // What is being fetched takes no time: else the clock would run away from the network.
      if (answered < (steps + 1) * requestsPerStep || !provider.isIdle) return;
      steps += 1;
      gateways.nowMs += stepSeconds * MS_PER_SECOND;
      rotate();
    });
    expect(statuses).toEqual({ 200: REQUESTS });
    expect(rotations).toBeGreaterThanOrEqual(10);
    const refreshesEverySeconds = freshSeconds * 0.8;
    const passedSeconds = (gateways.nowMs - startedAtMs) / MS_PER_SECOND;
    expect(provider.fetches).toBeLessThanOrEqual(1 + Math.floor(passedSeconds / refreshesEverySeconds));
  }, 240_000);
});
