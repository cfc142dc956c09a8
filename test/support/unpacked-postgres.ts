import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');
/** PostgreSQL does not run as root, and whoever it runs as then may not read a checkout below /root. */
const HOME = process.getuid?.() === 0 ? '/var/lib/gatewarden/tools' : path.join(ROOT, '.data', 'tools');
const TREE = path.join(HOME, 'postgresql');
const VERSIONED = 'usr/lib/postgresql';

/** Programs of a version, and what they have to find their libraries by. */
export interface PostgresPrograms {
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** What was unpacked earlier. */
export function unpackedPostgres(): PostgresPrograms | undefined {
  const versions = path.join(TREE, VERSIONED);
  const version = existsSync(versions) ? readdirSync(versions).sort().at(-1) : undefined;
  if (version === undefined) return undefined;
  const libraries = readdirSync(path.join(TREE, 'usr/lib'))
    .filter((name) => name.endsWith('-linux-gnu'))
    .map((name) => path.join(TREE, 'usr/lib', name));
  return { directory: path.join(versions, version, 'bin'), environment: { LD_LIBRARY_PATH: libraries.join(':') } };
}

/**
 * Downloads the server and the client of the distribution with those libraries that this machine lacks, and unpacks them:
 * nothing is installed, no service is started, and root is not needed.
 *
 * @throws Error that names what failed and the command that brings them otherwise
 */
export function unpackPostgres(): PostgresPrograms {
  const scratch = `${TREE}-${process.pid}`;
  try {
    const tree = path.join(scratch, 'tree');
    mkdirSync(tree, { recursive: true });
    for (const file of download(scratch)) execFileSync('dpkg-deb', ['--extract', file, tree]);
    rmSync(TREE, { recursive: true, force: true });
    renameSync(tree, TREE);
  } catch (error) {
    const cure = 'on Debian: apt-get install postgresql';
    throw new Error(`pg_dump, pg_restore and a server beside them were not found and cannot be had; ${cure}`, {
      cause: error,
    });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  const programs = unpackedPostgres();
  if (programs === undefined) throw new Error(`the package postgresql brought no ${VERSIONED}`);
  return programs;
}

/** Lists and caches of its own: the system's may be empty, and are not to be changed. */
function download(scratch: string): string[] {
  const archives = path.join(scratch, 'archives');
  for (const directory of [path.join(archives, 'partial'), path.join(scratch, 'lists', 'partial')])
    mkdirSync(directory, { recursive: true });
  const own = [
    ...[`Dir::State=${scratch}`, `Dir::State::lists=${path.join(scratch, 'lists')}`],
    ...['Dir::State::status=/var/lib/dpkg/status', `Dir::Cache=${scratch}`, `Dir::Cache::archives=${archives}`],
    ...[`Dir::Log=${scratch}`, 'Debug::NoLocking=true', 'APT::Sandbox::User='],
  ].flatMap((option) => ['-o', option]);
  const apt = (...args: string[]): void => {
    const { status, stderr } = spawnSync('apt-get', [...own, ...args], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`apt-get ${args.join(' ')}: ${stderr}`);
  };
  apt('update');
  apt('install', '-y', '--download-only', '--no-install-recommends', 'postgresql');
  // Only compiles queries, and is larger than all the others together.
  const isWanted = (name: string): boolean => name.endsWith('.deb') && !name.startsWith('libllvm');
  return readdirSync(archives)
    .filter(isWanted)
    .map((name) => path.join(archives, name));
}
