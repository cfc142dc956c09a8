import { accessSync, constants } from 'node:fs';
import pg from 'pg';
import type { SettingsReader } from '#libs/program-shell';

/** As `pg` understands them: those from `prefer` on all verify the server's certificate and its name. */
const SSL_MODES = ['disable', 'no-verify', 'prefer', 'require', 'verify-ca', 'verify-full'];
/** `pg` has it make `require` trust anybody, where the modes above verify. */
const LIBPQ_MODES = 'uselibpqcompat';
const FILES = ['sslrootcert', 'sslcert', 'sslkey'];

/** Undefined when it can be read. */
function whyUnreadable(file: string): string | undefined {
  try {
    accessSync(file, constants.R_OK);
    return undefined;
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}

function isUnderstood(url: string): boolean {
  try {
    // Parses, and does not connect.
    void new pg.Client({ connectionString: url });
    return true;
  } catch {
    return false;
  }
}

/** What `pg` would pass over in silence, or say only when it connects. Never the address itself: it holds a password. */
function faultsOf(url: string): string[] {
  const faults: string[] = [];
  const parameters = new URL(url).searchParams;
  // `pg` takes the last of two, and this program would look at the first.
  const names = [...parameters.keys()];
  if (new Set(names).size < names.length) faults.push('DATABASE_URL must have each of its parameters once');
  if (parameters.has(LIBPQ_MODES)) faults.push(`DATABASE_URL must not have ${LIBPQ_MODES}`);
  const mode = parameters.get('sslmode');
  if (mode !== null && !SSL_MODES.includes(mode)) {
    faults.push(`DATABASE_URL must have as sslmode one of ${SSL_MODES.join(', ')}`);
  }
  for (const name of FILES) {
    const file = parameters.get(name);
    const why = file === null ? undefined : whyUnreadable(file);
    if (why !== undefined) faults.push(`DATABASE_URL must name a file that can be read as ${name} (${why})`);
  }
  if (faults.length === 0 && !isUnderstood(url)) faults.push('DATABASE_URL must be postgres://user:password@host/name');
  return faults;
}

/** `DATABASE_URL`; undefined when it is not set. What is wrong with it is among the faults of the reader. */
export function readDatabaseUrl(reader: SettingsReader): string | undefined {
  const url = reader.url('DATABASE_URL', ['postgres:', 'postgresql:']);
  if (url === undefined) return undefined;
  reader.faults.push(...faultsOf(url));
  return url;
}
