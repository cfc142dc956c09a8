import { readFileSync, readlinkSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { systemCode } from '../embedded-server-error.ts';

/**
 * A process, told apart from a later one with the same number. Where there is no /proc, `startTicks` and `bootId` are
 * null and only the number is left.
 */
export interface ProcessIdentity {
  readonly pid: number;
  /** Field 22 of /proc/<pid>/stat: clock ticks from boot to the start of the process. */
  readonly startTicks: string | null;
  readonly bootId: string | null;
}

const readText = (file: string): string | null => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
};

/** Fields from the third on: the second, the command's name, may itself hold spaces and brackets. */
const statFields = (pid: number): string[] | null => {
  const stat = readText(`/proc/${pid}/stat`);
  return stat === null ? null : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
};

const answersSignal = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
};

/** The identity of a living process; null when there is none of that number (a zombie counts as none). */
export function identifyProcess(pid: number): ProcessIdentity | null {
  if (!Number.isSafeInteger(pid) || pid <= 0 || !answersSignal(pid)) return null;
  const fields = statFields(pid);
  if (fields === null) return { pid, startTicks: null, bootId: null };
  if (fields[0] === 'Z' || fields[0] === 'X') return null;
  return {
    pid,
    startTicks: fields[19] ?? null,
    bootId: readText('/proc/sys/kernel/random/boot_id')?.trim() ?? null,
  };
}

/** Whether the very process that was identified is still running. */
export function isStillRunning(identity: ProcessIdentity): boolean {
  const now = identifyProcess(identity.pid);
  return now !== null && now.startTicks === identity.startTicks && now.bootId === identity.bootId;
}

/** Reads an identity back from JSON; null for anything else. */
export function parseProcessIdentity(value: unknown): ProcessIdentity | null {
  if (typeof value !== 'object' || value === null) return null;
  const { pid, startTicks, bootId } = value as Record<string, unknown>;
  const isTextOrNull = (field: unknown): field is string | null => field === null || typeof field === 'string';
  if (typeof pid !== 'number' || !isTextOrNull(startTicks) || !isTextOrNull(bootId)) return null;
  return { pid, startTicks, bootId };
}

/** The command line of a process, words joined by spaces; empty when it cannot be read. */
export function commandLineOf(pid: number): string {
  const raw = readText(`/proc/${pid}/cmdline`);
  if (raw !== null) return raw.replaceAll('\0', ' ').trim();
  const listed = spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  return listed.status === 0 ? listed.stdout.trim() : '';
}

/** Its working directory; null where the system does not tell. */
export function workingDirectoryOf(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return null;
  }
}
