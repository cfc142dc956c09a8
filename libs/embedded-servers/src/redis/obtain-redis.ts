import { EmbeddedServerError } from '../embedded-server-error.ts';
import { hasApt, installRedisWithApt, type ObtainOutcome } from './install-with-apt.ts';
import { findRedisOnPath, type RedisProgram } from './redis-program.ts';
import { findUnpackedRedis, unpackRedisWithApt } from './unpack-with-apt.ts';

/**
 * A Redis server program: on PATH, else unpacked earlier, else installed by the package manager (as root), else
 * unpacked from the distribution's package (without root).
 *
 * @throws EmbeddedServerError `REDIS_NOT_AVAILABLE` that names the ways out
 */
export async function obtainRedis(toolsDir: string, onProgress: (message: string) => void): Promise<RedisProgram> {
  const present = (await findRedisOnPath()) ?? (await findUnpackedRedis(toolsDir));
  if (present !== null) return present;
  if (!(await hasApt())) throw notAvailable('this system has no apt-get to get one with');
  const isRoot = process.getuid?.() === 0;
  let outcome: ObtainOutcome = isRoot
    ? await installRedisWithApt(onProgress)
    : await unpackRedisWithApt(toolsDir, onProgress);
  // A read-only system, or one whose package database is held by somebody else: unpacking may still work.
  if (outcome.kind === 'failed' && isRoot) outcome = await unpackRedisWithApt(toolsDir, onProgress);
  if (outcome.kind === 'failed') throw notAvailable(outcome.reason);
  return outcome.program;
}

const notAvailable = (reason: string): EmbeddedServerError =>
  new EmbeddedServerError('REDIS_NOT_AVAILABLE', `no Redis server was found and none could be had: ${reason}`, [
    'Debian, Ubuntu: apt-get install redis-server',
    'Fedora: dnf install valkey; Alpine: apk add redis; macOS: brew install redis',
    'or set REDIS_URL to a server that is running already, e.g. REDIS_URL=redis://host:6379',
  ]);
