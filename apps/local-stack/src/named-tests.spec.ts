import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const NAME = /[A-Za-z0-9.-]+\.(?:spec|int-spec|e2e-spec)\b/g;

const filesOf = (top: string, end: string): string[] =>
  readdirSync(path.join(ROOT, top), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(end))
    .map((file) => path.join(top, file));

const tests = new Set(
  ['apps', 'libs', 'test'].flatMap((top) => filesOf(top, 'spec.ts')).map((file) => path.basename(file, '.ts')),
);
const namedBy = (page: string): string[] => readFileSync(path.join(ROOT, page), 'utf8').match(NAME) ?? [];

describe('a test that a page names as its proof', () => {
  it.each(['README.md', ...filesOf('docs', '.md')])('is there: %s', (page) => {
    expect(namedBy(page).filter((name) => !tests.has(name))).toEqual([]);
  });

  it('is named for nearly every line of the threat model', () => {
    expect(namedBy('docs/explanation/security.md').length).toBeGreaterThan(50);
  });
});
