import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

export const LOCK_FILE = 'gateway.lock';
const ATTEMPTS = 20;

/** Another living process works in the directory. */
export class SnapshotInUse extends Error {
  readonly code = 'SNAPSHOT_IN_USE';
  constructor(
    readonly directory: string,
    readonly pid: number,
  ) {
    super(
      `${directory} is in use by the gateway with process id ${pid}: ` +
        'give each gateway a GATEWAY_ID (or SNAPSHOT_DIR) of its own',
    );
    this.name = 'SnapshotInUse';
  }
}

/** A process, told apart from a later one with the same number; null where the system does not tell. */
interface Owner {
  readonly pid: number;
  readonly startTicks: string | null;
  readonly bootId: string | null;
}

function readText(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** `/proc/<pid>/stat` from its third field on: the second, the command's name, may hold blanks and brackets. */
function ownerOf(pid: number): Owner | undefined {
  if (!isAlive(pid)) return undefined;
  const stat = readText(`/proc/${pid}/stat`);
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields?.[0] === 'Z') return undefined;
  const bootId = readText('/proc/sys/kernel/random/boot_id')?.trim() ?? null;
  return { pid, startTicks: fields?.[19] ?? null, bootId };
}

const owner = z.object({ pid: z.int().positive(), startTicks: z.string().nullable(), bootId: z.string().nullable() });

function parseOwner(content: string): Owner | undefined {
  try {
    return owner.safeParse(JSON.parse(content)).data;
  } catch {
    return undefined;
  }
}

/** The process that holds a lock; undefined when it ended, also when another one has its number now. */
function livingHolder(content: string): number | undefined {
  const held = parseOwner(content);
  const now = held && ownerOf(held.pid);
  if (held === undefined || now === undefined) return undefined;
  return now.startTicks === held.startTicks && now.bootId === held.bootId ? now.pid : undefined;
}

function tryLink(draft: string, file: string): boolean {
  try {
    linkSync(draft, file); // the whole file appears at once or not at all
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Two starters may find the same abandoned lock: whoever moved a fresh one away puts it back. */
function removeAbandoned(file: string, expected: string): void {
  const aside = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  if (readText(aside) !== expected) tryLink(aside, file);
  rmSync(aside, { force: true });
}

/**
 * Makes this process the only one that works in a directory. A lock names a process by number and start time, so that
 * one left behind by a killed process never blocks.
 *
 * @returns gives the directory free; may be called twice
 * @throws SnapshotInUse
 */
export function ownDirectory(directory: string): () => void {
  const file = path.join(directory, LOCK_FILE);
  const draft = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  const content = JSON.stringify({ ...ownerOf(process.pid), nonce: randomBytes(6).toString('hex') });
  writeFileSync(draft, content, { mode: 0o600, flag: 'wx' });
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      if (tryLink(draft, file)) {
        return () => {
          if (readText(file) === content) rmSync(file, { force: true });
        };
      }
      const found = readText(file);
      if (found === null) continue;
      const holder = livingHolder(found);
      if (holder !== undefined) throw new SnapshotInUse(directory, holder);
      removeAbandoned(file, found);
    }
    throw new SnapshotInUse(directory, 0);
  } finally {
    rmSync(draft, { force: true });
  }
}
