import { readFileSync, statSync } from 'node:fs';

/** Far above any secret: a wrong path (a log, a device) is not read into memory. */
const MOST_BYTES = 65_536;

/** The text of a file, or what is wrong with it, said without its content. */
export type SecretFile = { readonly text: string } | { readonly fault: string };

/** Reads a secret that is kept in a file of its own. Line ends at its end are not part of it: editors and `echo` add one. */
export function readSecretFile(file: string): SecretFile {
  try {
    const found = statSync(file);
    if (!found.isFile()) return { fault: 'is not a file' };
    if (found.size > MOST_BYTES) return { fault: `has more than ${MOST_BYTES} bytes` };
    const text = readFileSync(file, 'utf8').replace(/[\r\n]+$/, '');
    return text === '' ? { fault: 'is empty' } : { text };
  } catch (error) {
    return { fault: `cannot be read (${(error as NodeJS.ErrnoException).code})` };
  }
}
