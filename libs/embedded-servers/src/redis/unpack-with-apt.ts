import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { lastLines, runCommand } from '../process/run-command.ts';
import { type ObtainOutcome } from './install-with-apt.ts';
import { tryRedisProgram, type RedisProgram } from './redis-program.ts';

const DPKG_STATUS = '/var/lib/dpkg/status';

/** A server unpacked earlier; null when there is none that runs. */
export async function findUnpackedRedis(toolsDir: string): Promise<RedisProgram | null> {
  const program = programIn(path.join(toolsDir, 'redis'));
  return program !== null && (await tryRedisProgram(program)) === null ? program : null;
}

/**
 * Without root: downloads Debian's package and those of the libraries that this machine lacks (apt-get works that out
 * against the installed packages) and unpacks them below `toolsDir`. apt-get gets lists and caches of its own there,
 * so that it works where the system's lists are empty, and changes nothing outside.
 */
export async function unpackRedisWithApt(
  toolsDir: string,
  onProgress: (message: string) => void,
): Promise<ObtainOutcome> {
  onProgress(`downloading Redis from the distribution and unpacking it into ${toolsDir} (no root needed)`);
  const scratch = path.join(toolsDir, `apt-${process.pid}`);
  try {
    const packages = await download(scratch);
    if (typeof packages === 'string') return { kind: 'failed', reason: packages };
    return await unpack(packages, toolsDir);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The downloaded files, or the reason why there are none. */
async function download(scratch: string): Promise<readonly string[] | string> {
  const archives = path.join(scratch, 'archives');
  mkdirSync(path.join(archives, 'partial'), { recursive: true });
  mkdirSync(path.join(scratch, 'lists', 'partial'), { recursive: true });
  const options = {
    'Dir::State': scratch,
    'Dir::State::lists': path.join(scratch, 'lists'),
    'Dir::State::status': DPKG_STATUS,
    'Dir::Cache': scratch,
    'Dir::Cache::archives': archives,
    'Dir::Log': scratch,
    'Debug::NoLocking': 'true',
    'APT::Sandbox::User': '',
  };
  const own = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const updated = await runCommand('apt-get', [...own, 'update']);
  // In Debian and Ubuntu the server program itself is in redis-tools; redis-server adds the service.
  const args = ['install', '-y', '--download-only', '--no-install-recommends', 'redis-tools'];
  const fetched = await runCommand('apt-get', [...own, ...(await reinstallIfInstalled()), ...args]);
  const files = readdirSync(archives).filter((name) => name.endsWith('.deb'));
  if (fetched.status === 0 && files.length > 0) return files.map((name) => path.join(archives, name));
  return lastLines(updated.stderr, 2) || lastLines(fetched.stderr, 2) || 'apt-get found no package to download';
}

/** redis-tools may be installed without redis-server: apt-get would then see nothing to do. */
async function reinstallIfInstalled(): Promise<readonly string[]> {
  const asked = await runCommand('dpkg-query', ['-W', '-f', '${db:Status-Status}', 'redis-tools']);
  return asked.stdout === 'installed' ? ['--reinstall'] : [];
}

/** Complete or not there: unpacked under another name first. */
async function unpack(packages: readonly string[], toolsDir: string): Promise<ObtainOutcome> {
  const partial = path.join(toolsDir, `redis.partial-${process.pid}`);
  const target = path.join(toolsDir, 'redis');
  rmSync(partial, { recursive: true, force: true });
  for (const file of packages) {
    const unpacked = await runCommand('dpkg-deb', ['-x', file, partial]);
    if (unpacked.status !== 0) return { kind: 'failed', reason: lastLines(unpacked.stderr, 2) };
  }
  nameTheServer(path.join(partial, 'usr', 'bin'));
  rmSync(target, { recursive: true, force: true });
  renameSync(partial, target);
  const program = programIn(target);
  if (program === null) return { kind: 'failed', reason: 'the package holds no Redis server' };
  const reason = await tryRedisProgram(program);
  return reason === null ? { kind: 'obtained', program } : { kind: 'failed', reason };
}

/** One program with several names: it is the server when it is called so. */
function nameTheServer(binDirectory: string): void {
  const server = path.join(binDirectory, 'redis-server');
  if (!existsSync(server) && existsSync(path.join(binDirectory, 'redis-check-rdb')))
    symlinkSync('redis-check-rdb', server);
}

function programIn(root: string): RedisProgram | null {
  const command = path.join(root, 'usr', 'bin', 'redis-server');
  if (!existsSync(command)) return null;
  const libraries = ['usr/lib', 'lib'].flatMap((name) => libraryDirectories(path.join(root, name)));
  return { command, env: { LD_LIBRARY_PATH: libraries.join(':') } };
}

/** The directory itself and those named after an architecture (x86_64-linux-gnu). */
function libraryDirectories(directory: string): string[] {
  if (!existsSync(directory)) return [];
  const named = readdirSync(directory).filter((name) => name.includes('-linux-'));
  return [directory, ...named.map((name) => path.join(directory, name))];
}
