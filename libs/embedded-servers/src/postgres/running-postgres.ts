import { realpathSync } from 'node:fs';
import path from 'node:path';
import { ROLE } from './cluster.ts';
import { readPassword } from './password.ts';
import { readyPortOf } from './postmaster.ts';

/**
 * The address of the embedded PostgreSQL that another process runs in a data directory, for a command beside it;
 * undefined when none is running there.
 */
export function runningPostgresUrl(dataDir: string, databaseName = 'gatewarden'): string | undefined {
  const password = readPassword(dataDir);
  if (password === null) return undefined;
  const port = readyPortOf(realDirectory(path.join(dataDir, 'postgres')));
  if (port === undefined) return undefined;
  return `postgres://${ROLE}:${password}@127.0.0.1:${port}/${encodeURIComponent(databaseName)}`;
}

function realDirectory(directory: string): string {
  try {
    return realpathSync(directory);
  } catch {
    return directory;
  }
}
