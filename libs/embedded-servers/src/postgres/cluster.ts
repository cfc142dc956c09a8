import { randomBytes } from 'node:crypto';
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { EmbeddedServerError } from '../embedded-server-error.ts';
import { lastLines, runCommand } from '../process/run-command.ts';
import { canEnter, chooseAccount, type Account } from './account.ts';
import { type PostgresBinaries } from './binaries.ts';
import { newPassword, readPassword, writePassword } from './password.ts';
import { ensureTrustedDirectory, SYSTEM_DIRECTORY } from './root-owned-directory.ts';

/** The one role of the cluster. */
export const ROLE = 'gatewarden';
/** What every program of PostgreSQL gets to see: nothing of ours (PGDATA and the like) may leak in. */
export const POSTGRES_ENVIRONMENT = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' } as const;

/** Where the cluster lives and under which account. */
export interface ClusterPlace {
  /** The real directory, also where `<dataDir>/postgres` is a link to it. */
  readonly directory: string;
  readonly account: Account | null;
}

const isInitialised = (directory: string): boolean => existsSync(path.join(directory, 'PG_VERSION'));

/**
 * `<dataDir>/postgres`, or, where the account cannot enter `dataDir`, a directory of the system that it links to. The
 * link is made before the cluster, so that an interrupted start finds the same place again.
 *
 * @throws EmbeddedServerError `POSTGRES_DATA_NOT_USABLE`
 */
export async function placeCluster(dataDir: string): Promise<ClusterPlace> {
  const wanted = path.join(dataDir, 'postgres');
  const found = lstatSync(wanted, { throwIfNoEntry: false });
  const directory = found?.isSymbolicLink() ? path.resolve(dataDir, readlinkSync(wanted)) : wanted;
  if (isInitialised(directory)) {
    const account = chooseAccount(directory, statSync(path.join(directory, 'PG_VERSION')));
    if (!(await canEnter(directory, account))) throw closedTo(directory, account);
    return { directory, account };
  }
  const account = chooseAccount(directory, undefined);
  if (found?.isSymbolicLink() || (await canEnter(dataDir, account))) return { directory, account };
  if (found !== undefined) rmdirSync(wanted);
  ensureTrustedDirectory(SYSTEM_DIRECTORY);
  const elsewhere = path.join(SYSTEM_DIRECTORY, `postgres-${randomBytes(6).toString('hex')}`);
  symlinkSync(elsewhere, wanted);
  return { directory: elsewhere, account };
}

const closedTo = (directory: string, account: Account | null): EmbeddedServerError =>
  new EmbeddedServerError(
    'POSTGRES_DATA_NOT_USABLE',
    `the user with number ${account?.uid ?? '?'}, to whom the database belongs, can no longer enter ${directory}`,
    [`make every directory on the way searchable: chmod o+x`, 'or use another data directory'],
  );

/**
 * Makes sure that there is a cluster and that its password is known.
 *
 * @returns the password of `gatewarden`
 * @throws EmbeddedServerError `POSTGRES_START_FAILED`, `POSTGRES_DATA_NOT_USABLE`
 */
export async function ensureCluster(
  place: ClusterPlace,
  options: { readonly dataDir: string; readonly binaries: PostgresBinaries; readonly durable: boolean },
): Promise<string> {
  const kept = readPassword(options.dataDir);
  if (isInitialised(place.directory)) {
    return kept ?? resetPassword(place, options);
  }
  const password = kept ?? newPassword();
  if (kept === null) writePassword(options.dataDir, password);
  await initialise(place, password, options);
  return password;
}

/** Under a name of its own until it is complete: an initdb that was killed never leaves half a cluster behind. */
async function initialise(
  place: ClusterPlace,
  password: string,
  options: { readonly binaries: PostgresBinaries; readonly durable: boolean },
): Promise<void> {
  makeRoom(place.directory);
  const staging = `${place.directory}.initialising-${randomBytes(4).toString('hex')}`;
  const passwordFile = path.join(staging, 'password');
  const cluster = path.join(staging, 'cluster');
  mkdirSync(staging, { mode: 0o700 });
  try {
    writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
    giveTo(place.account, [staging, passwordFile]);
    const args = ['-D', cluster, '-U', ROLE, '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
    args.push('--encoding=UTF8', '--locale=C', '--set=timezone=UTC', '--set=log_timezone=UTC');
    if (!options.durable) args.push('--no-sync');
    const made = await runCommand(options.binaries.initdb, args, asAccount(place.account));
    if (made.status !== 0) {
      throw new EmbeddedServerError('POSTGRES_START_FAILED', `initdb failed: ${lastLines(made.stderr, 8)}`, [
        'check the free space of the data directory',
        'or set DATABASE_URL to a PostgreSQL 15 or later',
      ]);
    }
    renameSync(cluster, place.directory);
  } finally {
    rmSync(staging, { recursive: true, force: true, maxRetries: 5 });
  }
}

const asAccount = (account: Account | null) => ({ ...account, cwd: '/', env: POSTGRES_ENVIRONMENT });

/** Removes what an interrupted initdb left (it may still be writing: hence the retries) and an empty directory. */
function makeRoom(directory: string): void {
  const parent = path.dirname(directory);
  const prefix = `${path.basename(directory)}.initialising-`;
  for (const name of readdirSync(parent)) {
    if (name.startsWith(prefix)) rmSync(path.join(parent, name), { recursive: true, force: true, maxRetries: 5 });
  }
  if (!existsSync(directory)) return;
  if (readdirSync(directory).length === 0) return rmdirSync(directory);
  throw new EmbeddedServerError('POSTGRES_DATA_NOT_USABLE', `${directory} holds something, but not a database`, [
    'move it away, or use another data directory',
  ]);
}

function giveTo(account: Account | null, files: readonly string[]): void {
  if (account === null) return;
  for (const file of files) chownSync(file, account.uid, account.gid);
}

/** The file was deleted: whoever may run the server may set its password, so nothing is lost. */
async function resetPassword(
  place: ClusterPlace,
  options: { readonly dataDir: string; readonly binaries: PostgresBinaries },
): Promise<string> {
  const password = newPassword();
  const args = ['--single', '-D', place.directory, '-c', 'log_min_error_statement=panic', 'postgres'];
  const statement = `ALTER ROLE ${ROLE} PASSWORD '${password}';\n`;
  const done = await runCommand(options.binaries.postgres, args, { ...asAccount(place.account), input: statement });
  if (done.status !== 0 || done.stderr.includes('ERROR:')) {
    throw new EmbeddedServerError('POSTGRES_START_FAILED', 'the password of the database could not be set again', [
      'restore postgres.password in the data directory from a backup',
    ]);
  }
  writePassword(options.dataDir, password);
  return password;
}
