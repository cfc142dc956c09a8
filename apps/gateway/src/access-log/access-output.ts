import { pino } from 'pino';

/**
 * POSIX lets a write of so much into a pipe never mix with another one: the program's own log and other worker processes
 * write into the same.
 */
const WRITE_BYTES = 4_096;
/** What may wait to be written; beyond, lines are lost rather than memory. */
const WAITING_BYTES = 4 * 1_024 * 1_024;
const FLUSHED_EVERY_MS = 1_000;

/** Where lines go, and how one is done with it. */
export interface AccessOutput {
  write(line: string): void;
  /** Writes what waits. */
  close(): void;
}

/**
 * Writes lines to a file descriptor without ever waiting for whoever reads it. Whole lines leave together, at the latest
 * after a second and at the end of the process.
 *
 * @param onDropped called for every line that there was no room for
 */
export function openAccessOutput(descriptor: number, onDropped: () => void): AccessOutput {
  const output = pino.destination({
    ...{ dest: descriptor, sync: false, minLength: WRITE_BYTES / 2, periodicFlush: FLUSHED_EVERY_MS },
    ...{ maxWrite: WRITE_BYTES, maxLength: WAITING_BYTES },
  });
  output.on('drop', onDropped);
  // Whoever read the log is gone: that ends the log, not the gateway.
  output.on('error', onDropped);
  const flush = (): void => output.flushSync();
  process.on('exit', flush);
  return {
    write: (line) => void output.write(line),
    close: () => {
      process.off('exit', flush);
      flush();
    },
  };
}
