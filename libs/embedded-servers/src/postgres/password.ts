import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { systemCode } from '../embedded-server-error.ts';

const FILE = 'postgres.password';

/** 192 random bits, letters that need no quoting in SQL or in an address. */
export const newPassword = (): string => randomBytes(24).toString('base64url');

/** The password kept for the cluster in `dataDir`; null when there is none. */
export function readPassword(dataDir: string): string | null {
  try {
    const text = readFileSync(path.join(dataDir, FILE), 'utf8').trim();
    return text === '' ? null : text;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/** Keeps the password for whoever runs us and for nobody else (mode 0600). */
export function writePassword(dataDir: string, password: string): void {
  const file = path.join(dataDir, FILE);
  writeFileSync(`${file}.new`, `${password}\n`, { mode: 0o600 });
  chmodSync(`${file}.new`, 0o600);
  renameSync(`${file}.new`, file);
}
