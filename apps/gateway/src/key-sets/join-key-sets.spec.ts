import type { ServerResponse } from 'node:http';
import { gatewayKeyText, newGatewayKey } from '#libs/config-distribution';
import { CapturedLog } from '#libs/program-shell/testing';
import { readGatewayConfig } from '../config/gateway.config.ts';
import { createEnvironmentRedis } from '../config-subscriber/environment-redis.ts';
import { GatewayMetrics } from '../metrics/gateway-metrics.ts';
import { joinKeySets } from './join-key-sets.ts';
import { keySetText, verdict } from './testing/hand-driven-documents.ts';
import { LocalServers } from './testing/identity-server.ts';

const SECOND = 1_000;

const naming = (...addresses: readonly string[]) => ({
  added: [{ proxyId: 'p', deployment: 1, addresses }],
  dropped: [],
});

/** An identity provider that can be rotated and taken away. */
async function identityProvider(servers: LocalServers) {
  const state = { keyId: 'a', status: 200, fetches: 0 };
  const port = await servers.http((response: ServerResponse) => {
    state.fetches += 1;
    response.writeHead(state.status).end(keySetText(state.keyId));
  });
  return Object.assign(state, { address: `http://127.0.0.1:${port}/jwks` });
}

function gateway(variables: Readonly<Record<string, string>> = { JWKS_ALLOW_PRIVATE_HOSTS: 'true' }) {
  const required = { GATEWAY_ENVIRONMENT: 'test', GATEWAY_KEY: gatewayKeyText(newGatewayKey()) };
  const config = readGatewayConfig({ ...required, ...variables }, 'edge');
  const clock = { ms: 1_000_000 };
  const log = new CapturedLog();
  const metrics = new GatewayMetrics();
  const parts = joinKeySets({
    ...{ config, metrics, logger: log.logger, nowMs: () => clock.ms },
    redis: createEnvironmentRedis(config.redisUrl),
    channelKeys: () => undefined,
  });
  return {
    ...{ ...parts, log, clock, metrics },
    pass: (seconds: number) => (clock.ms += seconds * SECOND),
    judged: async (address: string, keyId: string) => verdict(await parts.keySets.current(address), keyId),
  };
}

describe('the key sets of a gateway', () => {
  const servers = new LocalServers();
  afterAll(() => servers.close());

  it('follow a rotation, survive an outage up to the stale limit, and recover', async () => {
    const provider = await identityProvider(servers);
    const { keySets, keySetFetcher, judged, pass, log } = gateway({
      JWKS_ALLOW_PRIVATE_HOSTS: 'true',
      JWKS_STALE_LIMIT_SECONDS: '900',
    });
    keySets.follow(naming(provider.address));
    expect(await judged(provider.address, 'a')).toBe('found');
    expect(provider.fetches).toBe(1);

    provider.keyId = 'b';
    pass(20);
    expect(verdict(await keySets.newerFor(provider.address, 'b'), 'b')).toBe('found');
    expect(provider.fetches).toBe(2);

    provider.status = 503;
    pass(300);
    expect(await judged(provider.address, 'b')).toBe('found');
    pass(599);
    expect(await judged(provider.address, 'b')).toBe('found');
    // The attempt that this request began in the background.
    await keySets.newerFor(provider.address, 'c');
    pass(30);
    expect(await judged(provider.address, 'b')).toBe('InvalidKeyConfiguration');

    provider.status = 200;
    pass(30);
    expect(await judged(provider.address, 'b')).toBe('found');
    const host = new URL(provider.address).host;
    expect(log.lines.map((line) => [line['level'], line['host'], line['detail']])).toEqual([
      ['warn', host, '503'],
      ['warn', host, undefined],
      ['error', host, undefined],
      ['info', host, undefined],
    ]);
    keySetFetcher.close();
  });

  it('are fetched from nowhere private unless the setting says so, which is told and counted', async () => {
    const provider = await identityProvider(servers);
    const { judged, metrics, log } = gateway({});
    const address = provider.address.replace('http:', 'https:');
    expect(await judged(provider.address, 'a')).toBe('InvalidKeyConfiguration');
    expect(await judged(address, 'a')).toBe('InvalidKeyConfiguration');
    expect(provider.fetches).toBe(0);
    const text = await metrics.registry.metrics();
    expect(text).toContain('gatewarden_key_set_fetches_total{outcome="invalid-address"} 1');
    expect(text).toContain('gatewarden_key_set_fetches_total{outcome="forbidden-address"} 1');
    expect(log.at('warn')).toEqual(['a key set cannot be fetched']);
  });

  it('hold up nobody while they are fetched from a host that hangs, and end with the gateway', async () => {
    const port = await servers.silent();
    const { keySets, keySetFetcher, log } = gateway();
    const addresses = [1, 2, 3].map((n) => `http://127.0.0.1:${port}/${n}`);
    keySets.follow(naming(...addresses));
    const waiting = addresses.map((address) => keySets.current(address));
    expect(waiting.map((set) => verdict(set, 'a'))).toEqual(['waits', 'waits', 'waits']);
    keySetFetcher.close();
    for (const set of waiting) expect(verdict(await set, 'a')).toBe('InvalidKeyConfiguration');
    expect(log.lines).toEqual([]);
  });
});
