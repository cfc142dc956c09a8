/**
 * What the event store costs beside plain `pg` on the same durable PostgreSQL (fsync on, its settings as they come):
 * appending, replaying, and a change over HTTP. Read the ratios; exits with 1 when one misses its target.
 *
 *     npm run bench -- event-store
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres, startRedis } from '#libs/embedded-servers';
import { measureAppends } from './event-store/append-speed.ts';
import { type Figure, isMet, printTable } from './event-store/figures.ts';
import { measurePolicyLatency } from './event-store/policy-latency.ts';
import { measureReplay } from './event-store/replay-speed.ts';

const directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-bench-'));
// PostgreSQL does not run as root: another user must get through to its data.
chmodSync(directory, 0o711);
const postgres = await startEmbeddedPostgres({ dataDir: path.join(directory, 'postgres') });
const redis = await startRedis({ dataDir: path.join(directory, 'redis'), appendOnly: false });

/** A database of its own for each part, on the one server. */
async function databaseFor(part: string): Promise<string> {
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  await client.query(`create database ${part}`);
  await client.end();
  const url = new URL(postgres.url);
  url.pathname = `/${part}`;
  return url.href;
}

const figures: Figure[] = [];
try {
  const [cpu] = os.cpus();
  console.log(`${os.cpus().length} x ${cpu?.model}, Node ${process.version}, load ${os.loadavg()[0]?.toFixed(1)}`);
  figures.push(...(await measureAppends(await databaseFor('appends'))));
  const servers = { databaseUrl: await databaseFor('policies'), redisUrl: redis.url };
  figures.push(...(await measurePolicyLatency(servers, path.join(directory, 'control-plane'))));
  figures.push(...(await measureReplay(await databaseFor('replay'))));
} finally {
  await Promise.all([redis.stop(), postgres.stop()]);
  rmSync(directory, { recursive: true, force: true });
}
printTable(figures);
if (!figures.every(isMet)) process.exitCode = 1;
