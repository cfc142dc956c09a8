import { closeSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import { EmbeddedServerError } from '../embedded-server-error.ts';
import { lastLines } from './run-command.ts';

const KEEP_BELOW_BYTES = 10 * 1024 * 1024;
const TAIL_BYTES = 16 * 1024;

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

/** A log file that a server writes by itself, so that it can outlive us, read from where this start began. */
export interface ServerLog {
  /** To be handed to the child as its output; closed by `release`. */
  readonly descriptor: number;
  /** The last lines since the log was opened. */
  tail(lineCount: number): string;
  release(): void;
}

/**
 * Opens a log for appending, mode 0600; a big one is put aside as `<file>.1` first.
 *
 * @throws EmbeddedServerError `DIRECTORY_NOT_USABLE`
 */
export function openServerLog(file: string): ServerLog {
  const descriptor = openForAppending(file);
  const startedAtBytes = sizeOf(file);
  return {
    descriptor,
    tail: (lineCount) => lastLines(readFrom(file, startedAtBytes), lineCount),
    release: () => closeSync(descriptor),
  };
}

function openForAppending(file: string): number {
  try {
    if (sizeOf(file) > KEEP_BELOW_BYTES) renameSync(file, `${file}.1`);
    return openSync(file, 'a', 0o600);
  } catch (error) {
    const remedies = ['it seems to belong to another user: run as that user, or delete it'];
    throw new EmbeddedServerError(
      'DIRECTORY_NOT_USABLE',
      `${file} cannot be written: ${String(error)}`,
      remedies,
      error,
    );
  }
}

function readFrom(file: string, offsetBytes: number): string {
  const from = Math.max(offsetBytes, sizeOf(file) - TAIL_BYTES);
  const buffer = Buffer.alloc(TAIL_BYTES);
  const reader = openSync(file, 'r');
  try {
    return buffer.toString('utf8', 0, readSync(reader, buffer, 0, TAIL_BYTES, from));
  } finally {
    closeSync(reader);
  }
}
