/**
 * How long until 1,000 subscribers of an environment have applied a change, beside the same 1,000 told by a bare PUBLISH
 * and getting as many bytes by one GET each: same processes, same Redis, taking turns. Read the ratios; exits with 1 when
 * one misses its target.
 *
 *     npm run bench -- subscribers
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import {
  artifactHash,
  ChannelKeys,
  ConfigPublisher,
  RedisConfigChannel,
  sealArtifact,
} from '#libs/config-distribution';
import { startRedis } from '#libs/embedded-servers';
import { isMet, median, percentile, printTable, type Figure } from './event-store/figures.ts';
import { Fleet } from './subscribers/fleet.ts';

const SUBSCRIBERS = 1_000;
const PROCESSES = 4;
const ROUNDS = 150;
const WARM_UP = 20;
const MOST = 3;
/** Bytes of an artifact in clear: a proxy with two policies and a key, one with many, and one too long for a hint. */
const SIZES = [{ bytes: 2_400, target: { most: MOST } }, { bytes: 24_000, target: { most: MOST } }, { bytes: 60_000 }];

/** One environment with all of its subscribers. */
async function measure(redisUrl: string, { bytes, ...limits }: (typeof SIZES)[number]): Promise<Figure[]> {
  const environment = `bench-${bytes}`;
  const rootKey = randomBytes(32);
  const keys = new ChannelKeys(environment, rootKey);
  const redis = new Redis(redisUrl);
  const publisher = new ConfigPublisher(new RedisConfigChannel(redis, environment), keys);
  await publisher.publishEmpty();
  const bare = { topic: `${environment}:bare`, key: `${environment}:bare:key` };
  const fleet = await Fleet.start(
    { redisUrl, environment, rootKey: rootKey.toString('base64url'), bare },
    SUBSCRIBERS,
    PROCESSES,
  );
  const text = JSON.stringify({ text: randomBytes(bytes / 2).toString('hex') });
  const change = (deployment: number) => ({
    ...({ kind: 'artifact', proxyId: 'proxy', project: 'bench', proxy: 'proxy' } as const),
    ...{ deployment, revision: 1, hash: artifactHash(keys, text) },
  });
  await redis.set(bare.key, sealArtifact(keys, change(1), text));
  const bareMs: number[] = [];
  const oursMs: number[] = [];
  for (let round = 1; round <= WARM_UP + ROUNDS; round += 1) {
    const bareTold = await fleet.told(() => redis.publish(bare.topic, String(round)));
    const oursTold = await fleet.told(() => publisher.publish(change(round), text));
    if (round <= WARM_UP) continue;
    bareMs.push(bareTold);
    oursMs.push(oursTold);
  }
  await fleet.stop();
  redis.disconnect();
  const figure = (what: string, of: (values: readonly number[]) => number): Figure => ({
    what: `${SUBSCRIBERS} told of ${bytes} bytes, ${what}`,
    ...{ bare: `${of(bareMs).toFixed(1)} ms`, ours: `${of(oursMs).toFixed(1)} ms` },
    ...{ ratio: of(oursMs) / of(bareMs), ...limits },
  });
  return [figure('median', median), figure('p99', (values) => percentile(values, 99))];
}

const directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-bench-'));
const server = await startRedis({ dataDir: directory, appendOnly: false });
try {
  const figures: Figure[] = [];
  for (const size of SIZES) figures.push(...(await measure(server.url, size)));
  printTable(figures);
  if (!figures.every(isMet)) process.exitCode = 1;
} finally {
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
}
