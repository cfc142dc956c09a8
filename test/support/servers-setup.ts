import { chmodSync, mkdtempSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type * as EmbeddedServers from '#libs/embedded-servers';
import { type RunningServer } from '#libs/embedded-servers';

/** What the teardown has to stop and remove. */
export interface TestServers {
  readonly directory: string;
  readonly running: readonly RunningServer[];
}

declare global {
  var gatewardenTestServers: TestServers | undefined;
}

const LOADER = './import-typescript.mjs';

async function importEmbeddedServers(): Promise<typeof EmbeddedServers> {
  const { importLib } = (await import(LOADER)) as { importLib: (name: string) => Promise<unknown> };
  return (await importLib('#libs/embedded-servers')) as typeof EmbeddedServers;
}

/**
 * Starts one throw-away PostgreSQL and one throw-away Redis for a whole run, whichever projects it has, and tells the
 * suites where they are: TEST_DATABASE_URL (a database of the server, of a role that may create others) and
 * TEST_REDIS_URL. A server named there already is used instead.
 */
export default async function startServers(): Promise<void> {
  if (globalThis.gatewardenTestServers !== undefined) return;
  const { startEmbeddedPostgres, startRedis } = await importEmbeddedServers();
  const directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-test-'));
  // As root PostgreSQL runs under another account, which has to get there.
  chmodSync(directory, 0o711);
  const running: RunningServer[] = [];
  globalThis.gatewardenTestServers = { directory, running };
  if (process.env['TEST_DATABASE_URL'] === undefined) {
    const dataDir = path.join(directory, 'postgres');
    const postgres = await startEmbeddedPostgres({ dataDir, databaseName: 'postgres', durable: false });
    running.push(postgres);
    process.env['TEST_DATABASE_URL'] = postgres.url;
  }
  if (process.env['TEST_REDIS_URL'] === undefined) {
    const redis = await startRedis({ dataDir: path.join(directory, 'redis'), appendOnly: false });
    running.push(redis);
    process.env['TEST_REDIS_URL'] = redis.url;
  }
}
