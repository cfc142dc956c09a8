/**
 * What one change of a policy takes on its way from the request to gateways that enforce it, beside the least that such a
 * way could take on the same servers; and what it takes with many proxies in the environment, beside few. PostgreSQL is
 * durable (fsync on). Read the ratios; exits with 1 when one misses its target.
 *
 *     npm run bench -- rollout
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { startEmbeddedPostgres, startRedis } from '#libs/embedded-servers';
import { EchoUpstream } from '../support/echo-upstream.ts';
import { BenchControlPlane } from './bench-control-plane.ts';
import { type Figure, isMet, printTable } from './event-store/figures.ts';
import { measureSizes } from './rollout/environment-size.ts';
import { measureLatency } from './rollout/rollout-latency.ts';

const directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-bench-'));
// PostgreSQL does not run as root: another user must get through to its data.
chmodSync(directory, 0o711);
const postgres = await startEmbeddedPostgres({ dataDir: path.join(directory, 'postgres') });
const redis = await startRedis({ dataDir: path.join(directory, 'redis'), appendOnly: true });
const upstream = new EchoUpstream();

const figures: Figure[] = [];
try {
  const [cpu] = os.cpus();
  console.log(`${os.cpus().length} x ${cpu?.model}, Node ${process.version}, load ${os.loadavg()[0]?.toFixed(1)}`);
  const servers = { databaseUrl: postgres.url, redisUrl: redis.url };
  const controlPlane = await BenchControlPlane.start(servers, path.join(directory, 'control-plane'));
  try {
    const place = { controlPlane, redisUrl: redis.url, upstreamUrl: await upstream.listen(), directory };
    figures.push(...(await measureLatency(place, servers)));
    figures.push(...(await measureSizes(place)));
  } finally {
    await controlPlane.stop();
    await upstream.close();
  }
} finally {
  await Promise.all([redis.stop(), postgres.stop()]);
  rmSync(directory, { recursive: true, force: true });
}
printTable(figures);
if (!figures.every(isMet)) process.exitCode = 1;
