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

/** Of a whole run, as Jest tells it to the set-up. */
interface Run {
  readonly maxWorkers: number;
}

/** More would only share the processors. */
const MOST_SERVERS = 4;

/**
 * Starts a throw-away PostgreSQL and a throw-away Redis for each worker of a run, whichever projects it has: what one suite
 * holds open in a server (a transaction, say) is not to hold up another. Suites find theirs by `own-servers.ts`. Servers named by
 * TEST_DATABASE_URL (of a role that may create databases) and TEST_REDIS_URL are used in their place, by all.
 */
export default async function startServers({ maxWorkers }: Run): Promise<void> {
  if (globalThis.gatewardenTestServers !== undefined) return;
  const { startEmbeddedPostgres, startRedis } = await importEmbeddedServers();
  const directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-test-'));
  // As root PostgreSQL runs under another account, which has to get there.
  chmodSync(directory, 0o711);
  const running: RunningServer[] = [];
  globalThis.gatewardenTestServers = { directory, running };
  const folders = Array.from({ length: Math.min(maxWorkers, MOST_SERVERS) }, (_, index) => String(index + 1));
  const startAll = async (name: string, start: (dataDir: string) => Promise<RunningServer>): Promise<void> => {
    if (process.env[name] !== undefined) return;
    const urls: string[] = [];
    for (const folder of folders) {
      const server = await start(path.join(directory, name.toLowerCase(), folder));
      running.push(server);
      urls.push(server.url);
    }
    process.env[`${name}S`] = urls.join(' ');
  };
  await startAll('TEST_DATABASE_URL', (dataDir) =>
    startEmbeddedPostgres({ dataDir, databaseName: 'postgres', durable: false }),
  );
  await startAll('TEST_REDIS_URL', (dataDir) => startRedis({ dataDir, appendOnly: false }));
}
