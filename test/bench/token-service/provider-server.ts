/**
 * oidc-provider with a Redis adapter, giving tokens for client_credentials: either opaque ones, which it keeps in Redis,
 * to clients of its configuration, or JWTs signed with HS256, which it keeps nowhere, to clients that it reads from Redis.
 */
import { createServer } from 'node:http';
import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';

interface Settings {
  readonly redisUrl: string;
  readonly port: number;
  readonly kind: 'opaque' | 'jwt';
  readonly clientId: string;
  readonly secret: string;
}

/** As far as it is used here; the package has no types. */
interface ProviderModule {
  readonly Provider: new (
    issuer: string,
    configuration: object,
  ) => {
    callback(): Parameters<typeof createServer>[1];
    on(event: string, listener: (...all: unknown[]) => void): void;
  };
}

const { redisUrl, port, kind, clientId, secret } = JSON.parse(process.argv[2] ?? '') as Settings;
const packageName: string = 'oidc-provider';
const { Provider } = (await import(packageName)) as ProviderModule;
const redis = new Redis(redisUrl);

const client = {
  ...{ client_id: clientId, client_secret: secret, token_endpoint_auth_method: 'client_secret_post' },
  ...{ grant_types: ['client_credentials'], redirect_uris: [], response_types: [] },
};

/** One command for each call; payloads as JSON, which costs less than a hash with several fields. */
class RedisAdapter {
  constructor(private readonly name: string) {}

  async upsert(id: string, payload: object, expiresInSeconds?: number): Promise<void> {
    const text = JSON.stringify(payload);
    if (expiresInSeconds === undefined) await redis.set(this.key(id), text);
    else await redis.set(this.key(id), text, 'EX', expiresInSeconds);
  }

  async find(id: string): Promise<object | undefined> {
    const text = await redis.get(this.key(id));
    return text === null ? undefined : (JSON.parse(text) as object);
  }

  async destroy(id: string): Promise<void> {
    await redis.unlink(this.key(id));
  }

  private key(id: string): string {
    return `oidc:${this.name}:${id}`;
  }
}

const resource = 'urn:gatewarden:bench/api';
const jwt = {
  enabled: true,
  defaultResource: () => resource,
  getResourceServerInfo: () => info,
  useGrantedResource: () => true,
};
const info = {
  ...{ scope: '', accessTokenFormat: 'jwt', accessTokenTTL: 300 },
  jwt: { sign: { alg: 'HS256', key: randomBytes(32) } },
};
const issuer = `http://127.0.0.1:${port}`;
const provider = new Provider(issuer, {
  adapter: RedisAdapter,
  clients: kind === 'opaque' ? [client] : [],
  ttl: { ClientCredentials: 300 },
  features: {
    ...{ clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
    ...(kind === 'jwt' ? { resourceIndicators: jwt } : {}),
  },
});
provider.on('server_error', (_context, error) => console.error(error));
if (kind === 'jwt') await new RedisAdapter('Client').upsert(clientId, client);
createServer(provider.callback()).listen(port, '127.0.0.1', () => process.send?.('listening'));
process.once('SIGTERM', () => process.exit());
