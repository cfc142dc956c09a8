import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** One row of a table: the names in its first cell, and the tests that its last cell names. */
export interface ReferenceRow {
  readonly names: readonly string[];
  readonly tests: readonly string[];
}

const root = path.join(import.meta.dirname, '..', '..', '..', '..');

const codeIn = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);

/** Cells of a table's line; a bar between back quotes would be no end of a cell, and none is written. */
const cellsOf = (line: string): string[] =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());

/** `F03, M01; saving: `x`` as `F03`, `M01`, `saving: x`. */
const testsIn = (cell: string): string[] =>
  cell
    .split(/; (?=[a-z-]+: `)|, (?=[A-Z]\d\d\b)/)
    .map((test) => test.replaceAll('`', '').trim())
    .filter((test) => test !== '');

/** A page of docs/reference whose tables name tests. */
export class ReferencePage {
  private readonly text: string;

  constructor(name: string) {
    this.text = readFileSync(path.join(root, 'docs', 'reference', name), 'utf8');
  }

  /** Rows of the tables under a heading of second level. */
  rows(heading: string): readonly ReferenceRow[] {
    const section = this.text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
    const lines = section.split('\n').filter((line) => line.startsWith('| `'));
    return lines.map((line) => {
      const cells = cellsOf(line);
      return { names: codeIn(cells[0] ?? ''), tests: testsIn(cells.at(-1) ?? '') };
    });
  }

  /** The source of each file that the table of tests names, by its name there. */
  suites(heading: string): ReadonlyMap<string, string> {
    const section = this.text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
    const lines = section.split('\n').filter((line) => /^\| [a-z]/.test(line));
    return new Map(
      lines.map((line) => {
        const [name = '', files = ''] = cellsOf(line);
        const file = path.join(root, codeIn(files)[0] ?? '');
        if (!existsSync(file)) throw new RangeError(`${name}: there is no ${file}`);
        return [name, readFileSync(file, 'utf8')] as const;
      }),
    );
  }
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Titles of a suite, with what `it.each` puts in their places standing for any text. */
const titlesOf = (source: string): RegExp[] =>
  [...source.matchAll(/\b(?:describe|it)\b[^\n]*?\(\s*'((?:[^'\\\n]|\\.)+)'/g)]
    .map(([, title = '']) => title)
    .filter((title) => title.replaceAll(/%[a-z]|\$\w+/g, '').trim().length > 3)
    .map((title) => new RegExp(`^${escaped(title).replaceAll(/%[a-z]|\\\$\w+/g, '.+')}$`));

/** Whether a suite has a test of this name: as a title, or as the name of a case in a table of its own. */
export function hasTest(source: string, name: string): boolean {
  if (source.includes(`'${name}'`) || new RegExp(`^\\s*${escaped(name)}: `, 'm').test(source)) return true;
  return titlesOf(source).some((title) => title.test(name));
}
