import path from 'node:path';
import { AUDIENCE, CLIENTS, ISSUER, type BenchTokens } from './bench-tokens.ts';
import type { BenchSite } from './bench-site.ts';
import type { Contestant } from './contestant.ts';
import type { FastifySettings } from './fastify-server.ts';

const SERVER = path.resolve(import.meta.dirname, 'fastify-server.ts');
const LOADER = path.resolve(import.meta.dirname, '../typescript-loader.mjs');

/** The peers that are Fastify, and how many verified tokens each remembers. */
const CACHED_TOKENS = { '@fastify/http-proxy': 0, '@fastify/http-proxy, cache on': 2 * CLIENTS } as const;

export async function startFastify(
  site: BenchSite,
  name: keyof typeof CACHED_TOKENS,
  tokens: BenchTokens,
): Promise<Contestant> {
  const port = await site.freePort();
  const settings: FastifySettings = {
    ...{ port, upstream: `http://127.0.0.1:${site.upstreamPort}` },
    ...{ publicPemFile: tokens.publicPemFile, algorithm: tokens.algorithm, issuer: ISSUER, audience: AUDIENCE },
    cachedTokens: CACHED_TOKENS[name],
  };
  const args = ['--no-warnings', '--import', LOADER, SERVER, JSON.stringify(settings)];
  const started = site.startTested(process.execPath, args, { environment: { NODE_ENV: 'production' } });
  return { name, process: started, port, path: '/orders/1' };
}
