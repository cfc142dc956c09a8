import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';

/** Ends the names of files that are not finished yet; what is left of them is removed at the next start. */
export const DRAFT_SUFFIX = '.tmp';

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Replaces a file so that after a crash either the old or the new content is there, complete. Mode 0600. */
export async function writeDurably(file: string, content: string): Promise<void> {
  const draft = `${file}.${randomBytes(6).toString('hex')}${DRAFT_SUFFIX}`;
  try {
    const handle = await open(draft, 'wx', 0o600);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  await syncDirectory(path.dirname(file));
}
