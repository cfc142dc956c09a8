import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DirectoryInUse, EmbeddedServerError, systemCode } from './embedded-server-error.ts';
import { identifyProcess, isStillRunning, parseProcessIdentity } from './process/process-identity.ts';

const LOCK_FILE = 'process.lock';
const ATTEMPTS = 20;

export interface DirectoryLock {
  /** Gives the directory free. May be called twice. */
  release(): void;
}

/**
 * Makes this process the only one that works in a directory, which is created if need be. The lock names a process by
 * number and start time, so that a lock left by kill -9, or a number used again, never blocks.
 *
 * @param purpose what the holder is, for the message to the next one ("control plane")
 * @throws DirectoryInUse naming the holder
 * @throws EmbeddedServerError `DIRECTORY_NOT_USABLE` when the directory cannot be written
 */
export function acquireDirectoryLock(directory: string, purpose: string): DirectoryLock {
  return acquireLockFile(directory, LOCK_FILE, purpose);
}

/** The same with a file name of its own: for a server that lives in a directory its caller has locked already. */
export function acquireLockFile(directory: string, fileName: string, purpose: string): DirectoryLock {
  const file = path.join(directory, fileName);
  const content = JSON.stringify({ ...identifyProcess(process.pid), purpose });
  const draft = `${file}.${process.pid}-${randomBytes(4).toString('hex')}`;
  try {
    mkdirSync(directory, { recursive: true });
    writeFileSync(draft, content, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    throw notUsable(directory, error);
  }
  try {
    takeFile(file, draft, directory);
  } catch (error) {
    throw error instanceof EmbeddedServerError ? error : notUsable(directory, error);
  } finally {
    rmSync(draft, { force: true });
  }
  return {
    release: () => {
      if (readLock(file) === content) rmSync(file, { force: true });
    },
  };
}

function takeFile(file: string, draft: string, directory: string): void {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    if (putInPlace(draft, file)) return;
    const found = readLock(file);
    if (found === null) continue;
    const holder = parseHolder(found);
    if (holder !== null && isStillRunning(holder.identity)) {
      throw new DirectoryInUse(directory, holder.identity.pid, holder.purpose);
    }
    removeAbandoned(file, found, `${draft}-abandoned`);
  }
  throw new EmbeddedServerError('DIRECTORY_NOT_USABLE', `${file} changes hands all the time`, [
    'start one process at a time on this directory',
  ]);
}

/** The complete file appears at once or not at all: nobody ever reads half a lock. */
function putInPlace(draft: string, file: string): boolean {
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    if (!['EPERM', 'ENOTSUP', 'ENOSYS', 'EMLINK'].includes(systemCode(error))) throw error;
  }
  return createWithoutLink(draft, file);
}

/** For file systems that know no hard links. */
function createWithoutLink(draft: string, file: string): boolean {
  try {
    writeFileSync(file, readFileSync(draft), { mode: 0o600, flag: 'wx' });
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Two processes may find the same abandoned lock: whoever moves a fresh one away by mistake puts it back. */
function removeAbandoned(file: string, expected: string, aside: string): void {
  try {
    renameSync(file, aside);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    throw error;
  }
  if (readLock(aside) !== expected) putInPlace(aside, file);
  rmSync(aside, { force: true });
}

function readLock(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw error;
  }
}

function parseHolder(content: string) {
  try {
    const parsed: unknown = JSON.parse(content);
    const identity = parseProcessIdentity(parsed);
    const purpose = (parsed as { purpose?: unknown } | null)?.purpose;
    return identity === null ? null : { identity, purpose: typeof purpose === 'string' ? purpose : 'a process' };
  } catch {
    return null;
  }
}

function notUsable(directory: string, cause: unknown): EmbeddedServerError {
  const code = systemCode(cause);
  const remedies =
    code === 'EACCES' || code === 'EPERM'
      ? [`it seems to belong to another user (ls -ld ${directory}): run as that user`, 'or use another data directory']
      : ['check the path and the free space, or use another data directory'];
  return new EmbeddedServerError(
    'DIRECTORY_NOT_USABLE',
    `${directory} cannot be used: ${String(cause)}`,
    remedies,
    cause,
  );
}
