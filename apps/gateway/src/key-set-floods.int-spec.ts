import { equalMembers } from './testing/configured-gateways.ts';
import { askContinuously } from './testing/continuous-requests.ts';
import { KeySetFleet } from './testing/key-set-fleet.ts';
import { providerKey, RotatingProvider } from './testing/rotating-provider.ts';

// eslint-disable-next-line no-restricted-syntax -- set by the test run's global setup; this file is in no build
const redisUrl = process.env['TEST_REDIS_URL'];
if (redisUrl === undefined) throw new Error('TEST_REDIS_URL is not set: run the integration project of the tests');

const COOLDOWN_SECONDS = 30;
const COOLDOWNS = 5;
const REQUESTS_PER_COOLDOWN = 1_500;
/** Every so-manieth token of the flood is a good one. */
const GOOD_EVERY = 10;

/** A token that names a key of nobody, and another with each call. */
function tokenOfNobody(token: string, kid: string): string {
  const header = Buffer.from(JSON.stringify({ alg: 'ES256', kid })).toString('base64url');
  return header + token.slice(token.indexOf('.'));
}

describe('a flood of tokens with key ids at random, at three gateways', () => {
  let fleet: KeySetFleet;
  let provider: RotatingProvider;
  let sent = 0;

  beforeAll(async () => {
    fleet = await KeySetFleet.start(redisUrl, equalMembers(3, { logLevel: 'info' }));
    provider = await RotatingProvider.start(await providerKey('first'));
    await fleet.publish('flooded', provider);
  });
  afterAll(async () => {
    await fleet.stop();
    await provider.goAway();
  });

  const flood = () =>
    askContinuously(REQUESTS_PER_COOLDOWN, {
      ...{ ports: fleet.gateways.ids.map((id) => fleet.gateways.port(id)), path: '/flooded/7' },
      token: () => {
        sent += 1;
        const good = provider.token();
        return sent % GOOD_EVERY === 0 ? good : tokenOfNobody(good, `random-${sent}`);
      },
    });
  const good = REQUESTS_PER_COOLDOWN / GOOD_EVERY;
  const statuses = { 200: good, 401: REQUESTS_PER_COOLDOWN - good };

  it('costs the fleet one fetch per cooldown, while good tokens pass', async () => {
    expect(await fleet.verdicts('flooded', provider.token())).toEqual(['pass', 'pass', 'pass']);
    expect(provider.fetches).toBe(1);
    for (let cooldown = 1; cooldown <= COOLDOWNS; cooldown += 1) {
      expect(await flood()).toEqual(statuses);
      fleet.passSeconds(COOLDOWN_SECONDS - 1);
      expect(await flood()).toEqual(statuses);
      expect(provider.fetches).toBe(1 + cooldown);
      fleet.passSeconds(1);
    }
  }, 120_000);

  it('costs no more when the host fails', async () => {
    const before = await fleet.metric('gatewarden_key_set_fetches_total');
    await provider.goAway();
    expect(await flood()).toEqual(statuses);
    fleet.passSeconds(COOLDOWN_SECONDS - 1);
    expect(await flood()).toEqual(statuses);
    const after = await fleet.metric('gatewarden_key_set_fetches_total');
    const fetches = after.map((count, index) => count - (before[index] ?? 0));
    expect(fetches.reduce((sum, count) => sum + count)).toBe(1);
    await provider.comeBack();
    fleet.passSeconds(1);
  });

  it('does not hide a key that was published meanwhile for longer than a cooldown', async () => {
    expect(await flood()).toEqual(statuses);
    const next = await providerKey('second');
    provider.listed = [...provider.listed, next];
    fleet.passSeconds(COOLDOWN_SECONDS);
    expect(await flood()).toEqual(statuses);
    expect(await fleet.verdicts('flooded', provider.token(next))).toEqual(['pass', 'pass', 'pass']);
  });
});
