import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { writeDurably } from '../config-subscriber/snapshot/durable-file.ts';
import type { KeptCredential } from './known-credential.ts';

/** A change writes one file; each holds the credentials whose names hash into it. */
const FILES = 64;

const credentialsFile = z.strictObject({
  formatVersion: z.literal(1),
  credentials: z.array(
    z.strictObject({
      subject: z.string(),
      /** As received: sealed for kind, subject and version. */
      record: z.strictObject({ version: z.int().min(1), sealed: z.string() }).nullable(),
      removal: z.int().min(1).nullable(),
    }),
  ),
});

function parsed(text: string): readonly KeptCredential[] | 'broken' {
  try {
    return credentialsFile.safeParse(JSON.parse(text)).data?.credentials ?? 'broken';
  } catch {
    return 'broken';
  }
}

/** Credentials in the snapshot directory, so that what is known of them outlives a restart. */
export class CredentialFiles {
  static readonly names: readonly string[] = Array.from(
    { length: FILES },
    (_, index) => `credentials-${index.toString(16).padStart(2, '0')}.json`,
  );

  constructor(private readonly directory: string) {}

  /** Name of the file for a credential. */
  static of(subject: string): string {
    const [byte = 0] = createHash('sha256').update(subject).digest();
    return CredentialFiles.names[byte % FILES] ?? '';
  }

  /** Not opened yet; nothing where there is no file. */
  async read(name: string): Promise<readonly KeptCredential[] | 'broken'> {
    try {
      return parsed(await readFile(path.join(this.directory, name), 'utf8'));
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ENOENT' ? [] : 'broken';
    }
  }

  /** @throws the file system's error */
  async save(name: string, credentials: readonly KeptCredential[]): Promise<void> {
    await writeDurably(path.join(this.directory, name), JSON.stringify({ formatVersion: 1, credentials }));
  }
}
