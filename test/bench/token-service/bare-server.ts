/** The least that a token endpoint does: reads a form, makes one call of a script to Redis and one HMAC, and answers. */
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Redis } from 'ioredis';

interface Settings {
  readonly redisUrl: string;
  readonly port: number;
}

type Scripted = Redis & { readClient(key: string, field: string): Promise<string | null> };

const { redisUrl, port } = JSON.parse(process.argv[2] ?? '') as Settings;
const redis = new Redis(redisUrl) as Scripted;
redis.defineCommand('readClient', { numberOfKeys: 1, lua: `return redis.call('HGET', KEYS[1], ARGV[1])` });
await redis.hset('bare:clients', 'client', 'x'.repeat(300));

const key = randomBytes(32);
const header = Buffer.from(JSON.stringify({ alg: 'HS256', typ: 'at+jwt', kid: 'bench' })).toString('base64url');

function token(clientId: string): string {
  const iat = Math.floor(Date.now() / 1_000);
  const claims = { iss: 'https://bench', sub: clientId, aud: 'bench', jti: randomUUID(), iat, exp: iat + 300 };
  const signed = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`;
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
}

const server = createServer((request, response) => {
  const pieces: Buffer[] = [];
  request.on('data', (piece: Buffer) => pieces.push(piece));
  request.on('end', () => {
    const form = new URLSearchParams(Buffer.concat(pieces).toString());
    void redis.readClient('bare:clients', 'client').then((record) => {
      if (record === null) return response.writeHead(500).end();
      const body = { access_token: token(form.get('client_id') ?? ''), token_type: 'Bearer', expires_in: 300 };
      const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
      return response.writeHead(200, headers).end(JSON.stringify(body));
    });
  });
});
server.listen(port, '127.0.0.1', () => process.send?.('listening'));
process.once('SIGTERM', () => process.exit());
