import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { writeDurably } from './durable-file.ts';

export const LAYOUT_FILE = 'layout.json';

const layoutFile = z.strictObject({ formatVersion: z.literal(1), workers: z.int().min(1) });

/** How many processes the gateway of a snapshot directory had when it ran last; 1 where nothing says otherwise. */
export async function readLayout(directory: string): Promise<number> {
  try {
    const text = await readFile(path.join(directory, LAYOUT_FILE), 'utf8');
    return layoutFile.safeParse(JSON.parse(text)).data?.workers ?? 1;
  } catch {
    return 1;
  }
}

/** @throws the file system's error */
export async function writeLayout(directory: string, workers: number): Promise<void> {
  await writeDurably(path.join(directory, LAYOUT_FILE), JSON.stringify({ formatVersion: 1, workers }));
}
