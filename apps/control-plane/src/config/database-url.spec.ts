import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { SettingsReader } from '#libs/program-shell';
import { readDatabaseUrl } from './database-url.ts';

const directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-test-'));
const caFile = path.join(directory, 'ca.pem');
writeFileSync(caFile, 'a certificate');
afterAll(() => rmSync(directory, { recursive: true }));

const BASE = 'postgres://plane:the-password@db.example/plane';

function read(url: string): { url: string | undefined; faults: readonly string[] } {
  const reader = new SettingsReader({ DATABASE_URL: url });
  return { url: readDatabaseUrl(reader), faults: reader.faults };
}

describe('DATABASE_URL', () => {
  it.each([
    '',
    '?sslmode=disable',
    '?sslmode=verify-full',
    `?sslmode=verify-full&sslrootcert=${caFile}`,
    `?sslrootcert=${caFile}&sslcert=${caFile}&sslkey=${caFile}`,
  ])('may end in "%s"', (parameters) => {
    expect(read(BASE + parameters)).toEqual({ url: BASE + parameters, faults: [] });
  });

  it('may be left out', () => {
    expect(read('')).toEqual({ url: undefined, faults: [] });
  });

  it('names each of its faults, and never holds a password in one', () => {
    const { faults } = read(`${BASE}?sslmode=verify_full&sslrootcert=/none/ca.pem&sslkey=/none/key.pem`);
    expect(faults).toEqual([
      'DATABASE_URL must have as sslmode one of disable, no-verify, prefer, require, verify-ca, verify-full',
      'DATABASE_URL must name a file that can be read as sslrootcert (ENOENT)',
      'DATABASE_URL must name a file that can be read as sslkey (ENOENT)',
    ]);
  });

  it.each([
    ['sslmode=verify-full&sslmode=disable', 'DATABASE_URL must have each of its parameters once'],
    [`host=/a&sslmode=verify-full&host=/b`, 'DATABASE_URL must have each of its parameters once'],
    ['sslmode=require&uselibpqcompat=true', 'DATABASE_URL must not have uselibpqcompat'],
  ])('is refused with "%s", which the driver would take for less than it says', (parameters, fault) => {
    expect(read(`${BASE}?${parameters}`).faults).toEqual([fault]);
  });

  it('that cannot be understood is a fault, too', () => {
    expect(read(`${BASE}?sslnegotiation=strange`).faults).toEqual([
      'DATABASE_URL must be postgres://user:password@host/name',
    ]);
  });
});
