import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { StoredIdentity } from '#libs/config-distribution';
import { writeDurably } from './durable-file.ts';

export const ORDERS_FILE = 'orders-key-sets.json';

const ordersFile = z.strictObject({
  formatVersion: z.literal(1),
  kind: z.literal('orders'),
  subject: z.literal('key-sets'),
  version: z.int().min(1),
  /** As received: sealed for kind, subject and version. */
  sealed: z.string(),
});

function parsed(text: string): StoredIdentity | 'broken' {
  try {
    const found = ordersFile.safeParse(JSON.parse(text));
    return found.success ? found.data : 'broken';
  } catch {
    return 'broken';
  }
}

/** The standing orders about key sets that a gateway obeys, in its snapshot directory, so that they outlive a restart. */
export class OrdersFile {
  private readonly file: string;

  constructor(directory: string) {
    this.file = path.join(directory, ORDERS_FILE);
  }

  /** undefined: nothing was ever kept. What it says is not opened yet. */
  async read(): Promise<StoredIdentity | 'broken' | undefined> {
    try {
      return parsed(await readFile(this.file, 'utf8'));
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : 'broken';
    }
  }

  /** @throws the file system's error */
  async save({ kind, subject, version, sealed }: StoredIdentity): Promise<void> {
    await writeDurably(this.file, JSON.stringify({ formatVersion: 1, kind, subject, version, sealed }));
  }
}
