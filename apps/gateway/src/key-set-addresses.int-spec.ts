import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { FORBIDDEN_HOSTS } from './key-sets/testing/forbidden-addresses.ts';
import { KeySetFleet } from './testing/key-set-fleet.ts';
import { providerKey } from './testing/rotating-provider.ts';

// eslint-disable-next-line no-restricted-syntax -- set by the test run's global setup; this file is in no build
const redisUrl = process.env['TEST_REDIS_URL'];
if (redisUrl === undefined) throw new Error('TEST_REDIS_URL is not set: run the integration project of the tests');

/** Whoever connects to any address of this machine, by IPv4 or IPv6, is counted. */
async function listenEverywhere() {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  server.listen(0, '::');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    /** Since this was last asked. */
    connections: (): number => {
      const since = connections;
      connections = 0;
      return since;
    },
    close: () => new Promise((done) => server.close(done)),
  };
}

describe('a gateway without JWKS_ALLOW_PRIVATE_HOSTS', () => {
  let fleet: KeySetFleet;
  let token: string;
  let inside: Awaited<ReturnType<typeof listenEverywhere>>;

  beforeAll(async () => {
    inside = await listenEverywhere();
    [token = ''] = (await providerKey('first')).tokens;
    fleet = await KeySetFleet.start(redisUrl, [{ id: 'strict', settings: { jwksAllowPrivateHosts: false } }]);
  });
  afterAll(async () => {
    await fleet.stop();
    await inside.close();
  });

  /** Addresses at the port that listens, each in a proxy of its own, and what tokens are told there. */
  async function refusalsOf(name: string, addresses: readonly string[]): Promise<readonly string[]> {
    const proxies = addresses.map((address, index) => ({ proxy: `${name}-${index}`, address }));
    for (const { proxy, address } of proxies) await fleet.publish(proxy, { address });
    return Promise.all(proxies.map(({ proxy }) => fleet.verdict('strict', proxy, token)));
  }

  it.each(Object.entries(FORBIDDEN_HOSTS))('contacts nobody at an address of the inside: %s', async (what, hosts) => {
    const addresses = hosts.map((host) => `https://${host}:${inside.port}/jwks`);
    const refusals = await refusalsOf(what.replaceAll(/[^a-zA-Z0-9]+/g, '-'), addresses);
    expect(refusals).toEqual(hosts.map(() => 'InvalidKeyConfiguration'));
    expect(inside.connections()).toBe(0);
  });

  it('contacts nobody where the name of a public host leads inside, as the resolver of this machine answers', async () => {
    const addresses = ['localhost', 'LOCALHOST'].map((host) => `https://${host}:${inside.port}/jwks`);
    expect(await refusalsOf('by-name', addresses)).toEqual(['InvalidKeyConfiguration', 'InvalidKeyConfiguration']);
    expect(inside.connections()).toBe(0);
  });

  it('contacts nobody by http', async () => {
    expect(await refusalsOf('http', [`http://127.0.0.1:${inside.port}/jwks`])).toEqual(['InvalidKeyConfiguration']);
    expect(inside.connections()).toBe(0);
  });

  it('has counted and told why, by nothing but the host', async () => {
    const fetches = await fleet.gateways.metric('strict', 'gatewarden_key_set_fetches_total');
    const outcomes = fetches.map((line) => /outcome="([^"]+)"/.exec(line)?.[1]);
    expect(outcomes.toSorted()).toEqual(['forbidden-address', 'invalid-address']);
    expect(fleet.gateways.log.text).not.toContain('/jwks');
  });
});
