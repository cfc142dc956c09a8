import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const WRITE_AND = (file: string, then: string): string => `
  import('./apps/control-plane/src/maintenance/export-output.ts').then(async ({ FileOutput }) => {
    const output = await FileOutput.open(${JSON.stringify(file)});
    await output.write('line\\n');
    ${then};
  });`;

describe('the file of an export', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'gatewarden-export-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it.each([
    ['process.exit()', []],
    ['await output.abandon()', []],
    ['await output.finish(); process.exit()', ['trail']],
  ])('is there whole or not at all: %s', (then, files) => {
    const script = WRITE_AND(path.join(directory, 'trail'), then);
    const ran = spawnSync(process.execPath, ['--import', './test/support/import-typescript.mjs', '-e', script]);
    expect(String(ran.stderr)).toBe('');
    expect(readdirSync(directory)).toEqual(files);
    if (files.length > 0) expect(readFileSync(path.join(directory, 'trail'), 'utf8')).toBe('line\n');
  });
});
