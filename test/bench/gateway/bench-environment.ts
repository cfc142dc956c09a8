import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import {
  artifactHash,
  ChannelKeys,
  ConfigPublisher,
  gatewayKeyText,
  newGatewayKey,
  RedisConfigChannel,
  wrapRootKey,
} from '#libs/config-distribution';
import { AUDIENCE, ISSUER, type BenchTokens } from './bench-tokens.ts';

export interface BenchProxy {
  readonly name: string;
  readonly upstreamUrl: string;
  /** Absent: no policy. */
  readonly tokens?: BenchTokens | undefined;
}

const policyOf = ({ algorithm, publicPem }: BenchTokens): object => ({
  ...{ type: 'policy-verify-jwt', algorithm, publicKey: { value: publicPem } },
  ...{ issuer: ISSUER, audience: AUDIENCE },
});

function artifactText(environment: string, { name, upstreamUrl, tokens }: BenchProxy): string {
  const request = tokens === undefined ? [] : [{ name: 'verify', policy: policyOf(tokens) }];
  return JSON.stringify({
    ...{ formatVersion: 1, project: 'bench', proxy: name, proxyId: name, revision: 1, endpoints: [], variables: {} },
    environment: { name: environment, tokenIssuer: 'https://gatewarden/bench', expiresInUnit: 'SECONDS' },
    route: { paths: [`/${name}`], hosts: [], methods: [], headers: [] },
    upstream: {
      ...{ addresses: [{ url: upstreamUrl, weight: 1 }], loadBalance: 'ROUND_ROBIN' },
      ...{ connectTimeoutMs: 5_000, readTimeoutMs: 60_000, retryCount: 0 },
    },
    pipelines: { request, response: [], error: [] },
    signingKeys: {},
  });
}

/** Fills an environment as a control plane does. Returns the settings of a gateway that belong to it. */
export async function publishEnvironment(
  redisUrl: string,
  environment: string,
  proxies: readonly BenchProxy[],
): Promise<Record<string, string>> {
  const redis = new Redis(redisUrl);
  const channel = new RedisConfigChannel(redis, environment);
  const [rootKey, gatewayKey] = [randomBytes(32), newGatewayKey()];
  await channel.writeKeyRing(new Map([[gatewayKey.keyId, wrapRootKey(environment, gatewayKey, rootKey)]]));
  const keys = new ChannelKeys(environment, rootKey);
  const publisher = new ConfigPublisher(channel, keys);
  await publisher.publishEmpty();
  for (const [index, proxy] of proxies.entries()) {
    const text = artifactText(environment, proxy);
    const place = { proxyId: proxy.name, project: 'bench', proxy: proxy.name };
    const deployed = { deployment: index + 1, revision: 1, hash: artifactHash(keys, text) };
    await publisher.publish({ kind: 'artifact', ...place, ...deployed }, text);
  }
  redis.disconnect();
  return { GATEWAY_ENVIRONMENT: environment, GATEWAY_KEY: gatewayKeyText(gatewayKey), REDIS_URL: redisUrl };
}
