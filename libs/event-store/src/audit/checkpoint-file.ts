import { createReadStream, existsSync } from 'node:fs';
import { mkdir, open, stat } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { canonicalJson } from '#libs/canonical-json';
import { type Checkpoint } from './checkpoint.ts';

/** A line of the file: JSON of whatever it holds, undefined when it is none, such as one torn by a crash. */
export interface CheckpointLine {
  /** From 1. */
  readonly line: number;
  readonly value: unknown;
}

const LINE_BREAK = 0x0a;

/**
 * Writes checkpoints behind what the file holds, a line each, and returns when they are on the disk. Makes the file and
 * its directory when they are not there. Nothing in the file is ever changed: a line torn by a crash stays as it is, and
 * a new one begins after it.
 *
 * @throws as `node:fs` throws
 */
export async function appendCheckpoints(file: string, checkpoints: readonly Checkpoint[]): Promise<void> {
  if (checkpoints.length === 0) return;
  const isNew = !existsSync(file);
  if (isNew) await mkdir(path.dirname(file), { recursive: true });
  const handle = await open(file, 'a+');
  try {
    const { size } = await handle.stat();
    const last = Buffer.alloc(1);
    if (size > 0) await handle.read(last, 0, 1, size - 1);
    const lines = checkpoints.map((checkpoint) => `${canonicalJson(checkpoint)}\n`).join('');
    await handle.appendFile(size > 0 && last[0] !== LINE_BREAK ? `\n${lines}` : lines);
    await handle.sync();
  } finally {
    await handle.close();
  }
  if (isNew) await syncDirectory(path.dirname(file));
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Bytes in the file now; undefined when there is none. */
export async function checkpointFileSize(file: string): Promise<number | undefined> {
  return existsSync(file) ? (await stat(file)).size : undefined;
}

/**
 * The lines of a file in their order, one at a time.
 *
 * @param size what is behind that many bytes is not read
 * @throws as `node:fs` throws
 */
export async function* readCheckpointLines(file: string, size: number): AsyncGenerator<CheckpointLine> {
  if (size === 0) return;
  const lines = createInterface({
    input: createReadStream(file, { encoding: 'utf8', end: size - 1 }),
    crlfDelay: Infinity,
  });
  let line = 0;
  try {
    for await (const text of lines) {
      line += 1;
      if (text !== '') yield { line, value: jsonOrUndefined(text) };
    }
  } catch (error) {
    // Of a failure to read, unlike one to open, Node does not say which file it was.
    const { message } = error as Error;
    throw Object.assign(error as Error, {
      path: file,
      message: message.includes(file) ? message : `${message} '${file}'`,
    });
  }
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
