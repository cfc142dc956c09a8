import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import ts from 'typescript';

const BENCH = path.resolve(import.meta.dirname, '../bench');
const HOOKS = pathToFileURL(path.join(BENCH, 'imports-only-hooks.mjs')).href;
const NODE = [
  ...['--no-warnings', '--import', path.join(BENCH, 'typescript-loader.mjs')],
  ...['--import', `data:text/javascript,import { register } from 'node:module'; register('${HOOKS}');`],
  ...['--input-type=module', '--eval'],
];
const IMPORT_EACH = `
  const missing = [];
  for (const url of process.argv.slice(1)) {
    await import(url + '?imports-only').catch((error) => missing.push(url + ': ' + error.message));
  }
  console.log(JSON.stringify(missing));
  process.exit();`;

/** What nobody imports is run: by `npm run bench`, or by a benchmark as a process of its own. */
function programs(): string[] {
  const names = readdirSync(BENCH, { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => name.endsWith('.ts')).map((name) => path.join(BENCH, name));
  const imported = new Set(
    files.flatMap((file) => {
      const { importedFiles } = ts.preProcessFile(readFileSync(file, 'utf8'));
      return importedFiles.map(({ fileName }) => path.resolve(path.dirname(file), fileName));
    }),
  );
  return files.filter((file) => !imported.has(file));
}

describe('benchmarks, which no other test runs', () => {
  it('find everything that they import, as `npm run bench` starts them', async () => {
    const found = programs();
    expect(found.filter((file) => file.endsWith('.bench.ts')).length).toBeGreaterThan(5);
    const urls = found.map((file) => pathToFileURL(file).href);
    const { stdout } = await promisify(execFile)(process.execPath, [...NODE, IMPORT_EACH, ...urls]);
    expect(JSON.parse(stdout)).toEqual([]);
  });
});
