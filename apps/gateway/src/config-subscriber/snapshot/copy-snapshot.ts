import { copyFile, open, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { LOCK_FILE } from './directory-owner.ts';
import { DRAFT_SUFFIX, writeDurably } from './durable-file.ts';
import { LAYOUT_FILE } from './layout-file.ts';
import { ADMISSION_FILE } from './snapshot-store.ts';

const COPIES_AT_ONCE = 32;
/** What is of the directory and not of the snapshot in it. */
const NOT_COPIED: ReadonlySet<string> = new Set([LOCK_FILE, LAYOUT_FILE]);

async function snapshotFiles(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  return files.filter((name) => !NOT_COPIED.has(name) && !name.endsWith(DRAFT_SUFFIX));
}

/** On the disk, not only on its way there, when it fulfils. */
async function copyDurably(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  const handle = await open(to, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Makes the snapshot in `to` the same as that in `from`, as sealed. Interrupted, it leaves none in `to` that makes a gateway
 * ready: what admits it goes first and comes back last.
 *
 * @throws the file system's error
 */
export async function copySnapshot(from: string, to: string): Promise<void> {
  await rm(path.join(to, ADMISSION_FILE), { force: true });
  for (const name of await snapshotFiles(to)) await rm(path.join(to, name), { force: true });
  const names = (await snapshotFiles(from)).filter((name) => name !== ADMISSION_FILE);
  for (let at = 0; at < names.length; at += COPIES_AT_ONCE) {
    const part = names.slice(at, at + COPIES_AT_ONCE);
    await Promise.all(part.map((name) => copyDurably(path.join(from, name), path.join(to, name))));
  }
  await writeDurably(path.join(to, ADMISSION_FILE), await readFile(path.join(from, ADMISSION_FILE), 'utf8'));
}
