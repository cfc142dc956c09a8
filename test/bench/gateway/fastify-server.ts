/** `@fastify/http-proxy` behind `@fastify/jwt` with the checks of the gateway's policy, as their documentation has them. */
import proxy from '@fastify/http-proxy';
import jwt from '@fastify/jwt';
import { fastify } from 'fastify';
import { readFileSync } from 'node:fs';

/** As one argument, in JSON. */
export interface FastifySettings {
  readonly port: number;
  readonly upstream: string;
  readonly publicPemFile: string;
  readonly algorithm: 'RS256' | 'ES256';
  readonly issuer: string;
  readonly audience: string;
  /** How many verified tokens it remembers; 0: none, which costs less where none comes again. */
  readonly cachedTokens: number;
}

const settings = JSON.parse(process.argv[2] ?? '') as FastifySettings;
const app = fastify({ logger: false });
await app.register(jwt, {
  secret: { public: readFileSync(settings.publicPemFile, 'utf8') },
  verify: {
    ...{ algorithms: [settings.algorithm], allowedIss: settings.issuer, allowedAud: settings.audience },
    ...(settings.cachedTokens > 0 ? { cache: settings.cachedTokens } : {}),
  },
});
await app.register(proxy, {
  upstream: settings.upstream,
  disableRequestLogging: true,
  preHandler: (request, reply, done) => {
    request.jwtVerify().then(
      () => done(),
      () => void reply.code(401).send(),
    );
  },
});
await app.listen({ port: settings.port, host: '127.0.0.1' });
process.once('SIGTERM', () => process.exit());
