import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { MasterKeyFile } from './master-key-file.ts';

/** Reads a secret from the data directory, or makes it there once, readable by its owner only. */
function generatedSecret(dataDir: string, fileName: string, make: () => string): string {
  mkdirSync(dataDir, { recursive: true });
  const file = path.join(dataDir, fileName);
  try {
    writeFileSync(file, `${make()}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      // On a full disk it is there, and empty: the next start would take that for the secret.
      rmSync(file, { force: true });
      throw error;
    }
  }
  return readFileSync(file, 'utf8').trim();
}

/** `<DATA_DIR>/admin-token`: bearer token of the first administrator. */
export const generatedAdminToken = (dataDir: string): string =>
  generatedSecret(dataDir, 'admin-token', () => `gwt_${randomBytes(32).toString('base64url')}`);

/** `<DATA_DIR>/master-key`: 32 bytes. @throws BadSettings when the file that is there holds no such key */
export function generatedMasterKey(dataDir: string): Buffer {
  const made = generatedSecret(dataDir, 'master-key', () => randomBytes(32).toString('base64'));
  return new MasterKeyFile(dataDir).read() ?? Buffer.from(made, 'base64');
}
