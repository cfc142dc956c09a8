import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { brotliDecompressSync } from 'node:zlib';

const FIXTURE = path.resolve(import.meta.dirname, '../fixtures/older-gateway');

/** What its leases say of its version. */
export const OLDER_VERSION = '0.0.1';

/** Unpacks the gateway of an earlier version. @returns its program */
export function unpackOlderGateway(directory: string): string {
  mkdirSync(directory, { recursive: true });
  const program = path.join(directory, 'gateway.mjs');
  writeFileSync(program, brotliDecompressSync(readFileSync(path.join(FIXTURE, 'gateway.mjs.br'))));
  for (const name of readdirSync(FIXTURE).filter((file) => file.endsWith('.lua')))
    copyFileSync(path.join(FIXTURE, name), path.join(directory, name));
  writeFileSync(path.join(directory, 'package.json'), JSON.stringify({ version: OLDER_VERSION }));
  return program;
}
