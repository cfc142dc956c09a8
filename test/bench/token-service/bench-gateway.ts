import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { Redis } from 'ioredis';
import {
  artifactHash,
  ChannelKeys,
  ConfigPublisher,
  gatewayKeyText,
  newGatewayKey,
  putIdentity,
  RedisConfigChannel,
  wrapRootKey,
} from '#libs/config-distribution';
import { createPasswordVerifier, createSecretVerifier } from '#libs/policy-contracts';
import { until } from '../../support/until.ts';
import { MeasuredProcess } from './measured-process.ts';

const ENTRY = path.resolve(import.meta.dirname, '../../../dist/apps/gateway/src/main.js');
const ENVIRONMENT = 'bench';
export const SECRET = 'the secret of every client here';
export const PASSWORD = 'the password of every user here';

/** Proxies by what their policy gives; each is a client by its own name. */
export const PROXIES = {
  service: { grantType: 'CLIENT_CREDENTIALS', refreshTokenAllowed: false },
  'refreshing-service': { grantType: 'CLIENT_CREDENTIALS', refreshTokenAllowed: true, refreshTokenCount: 5 },
  login: { grantType: 'PASSWORD', refreshTokenAllowed: true },
} as const;

export interface BenchPlace {
  readonly redisUrl: string;
  readonly directory: string;
  readonly port: number;
  readonly adminPort: number;
}

function artifactText(proxy: string, policy: object): string {
  const nothing = { request: [], response: [], error: [] };
  const issuing = { type: 'policy-auth-jwt', jwtSignatureAlgorithm: 'HS256', tokenNeverExpires: false, ...policy };
  const timed = { tokenExpiresInAmount: 300, tokenExpiresInUnit: 'SECONDS', refreshTokenGraceSeconds: 10 };
  const signing = { kty: 'oct', k: randomBytes(32).toString('base64url'), kid: 'bench', alg: 'HS256' };
  return JSON.stringify({
    ...{ formatVersion: 1, project: 'bench', proxy, proxyId: proxy, revision: 1, endpoints: [], variables: {} },
    environment: { name: ENVIRONMENT, tokenIssuer: 'https://gatewarden/bench', expiresInUnit: 'SECONDS' },
    route: { paths: [`/${proxy}`], hosts: [], methods: [], headers: [] },
    upstream: {
      ...{ addresses: [{ url: 'http://127.0.0.1:9', weight: 1 }], loadBalance: 'ROUND_ROBIN' },
      ...{ connectTimeoutMs: 1_000, readTimeoutMs: 1_000, retryCount: 0 },
    },
    pipelines: { ...nothing, request: [{ name: 'issue', policy: { ...issuing, ...timed } }] },
    signingKeys: { issue: { signing, verification: [] } },
  });
}

/** What a control plane tells an environment: proxies, their key pairs, and users. */
async function fill(channel: RedisConfigChannel, keys: ChannelKeys, users: readonly string[]): Promise<void> {
  const publisher = new ConfigPublisher(channel, keys);
  await publisher.publishEmpty();
  for (const [index, [proxy, policy]] of Object.entries(PROXIES).entries()) {
    const text = artifactText(proxy, policy);
    const place = { proxyId: proxy, project: 'bench', proxy };
    const deployed = { deployment: index + 1, revision: 1, hash: artifactHash(keys, text) };
    await publisher.publish({ kind: 'artifact', ...place, ...deployed }, text);
    const client = { clientId: proxy, ...place, secretVerifier: createSecretVerifier(SECRET) };
    await putIdentity(channel, keys, { kind: 'client', subject: proxy, version: 1, content: client });
  }
  const password = { passwordVerifier: await createPasswordVerifier(PASSWORD), passwordId: 'one' };
  for (const username of users) {
    const user = { username, project: 'bench', enabled: true, expiresAt: null, roles: ['reader'], ...password };
    await putIdentity(channel, keys, { kind: 'credential', subject: username, version: 1, content: user });
  }
}

/** The gateway as it is delivered, one process, with the settings that it has when nobody sets any. */
export async function startBenchGateway(place: BenchPlace, users: readonly string[]): Promise<MeasuredProcess> {
  const redis = new Redis(place.redisUrl);
  const channel = new RedisConfigChannel(redis, ENVIRONMENT);
  const [rootKey, gatewayKey] = [randomBytes(32), newGatewayKey()];
  await channel.writeKeyRing(new Map([[gatewayKey.keyId, wrapRootKey(ENVIRONMENT, gatewayKey, rootKey)]]));
  await fill(channel, new ChannelKeys(ENVIRONMENT, rootKey), users);
  redis.disconnect();
  const gateway = MeasuredProcess.ofProgram(ENTRY, {
    ...{ GATEWAY_ENVIRONMENT: ENVIRONMENT, GATEWAY_KEY: gatewayKeyText(gatewayKey), REDIS_URL: place.redisUrl },
    ...{ PORT: String(place.port), ADMIN_PORT: String(place.adminPort), GATEWAY_ID: 'bench' },
    SNAPSHOT_DIR: path.join(place.directory, 'snapshot'),
  });
  const ready = `http://127.0.0.1:${place.adminPort}/readyz`;
  await until('the gateway is ready', async () => (await fetch(ready)).status === 200, 60_000);
  return gateway;
}
