/** One line of a table: what was measured beside what, and what is wanted of it. */
export interface Line {
  readonly what: string;
  /** Names and microseconds, in the order of the columns. */
  readonly micros: readonly (readonly [name: string, micros: number])[];
  /** As it is judged: a ratio of throughputs, or microseconds. */
  readonly measured: number;
  /** Left out: for information. */
  readonly target?: { readonly least: number } | { readonly most: number };
}

export const isMet = ({ measured, target }: Line): boolean => {
  if (target === undefined) return true;
  return 'least' in target ? measured >= target.least : measured <= target.most;
};

const verdict = (line: Line): string => {
  if (line.target === undefined) return '';
  const wanted = 'least' in line.target ? `>= ${line.target.least}` : `<= ${line.target.most}`;
  return `${wanted}  ${isMet(line) ? 'ok' : 'MISSED'}`;
};

/** Prints a table under its title; all lines name the same columns. */
export const printTable = (title: string, lines: readonly Line[]): void => {
  const columns = lines[0]?.micros.map(([name]) => `${name} µs`) ?? [];
  const rows = [
    ['', ...columns, 'measured', 'target'],
    ...lines.map((line) => [
      line.what,
      ...line.micros.map(([, micros]) => micros.toFixed(2)),
      line.measured.toFixed(2),
      verdict(line),
    ]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  console.log(`\n${title}`);
  for (const row of rows)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('   ')
        .trimEnd(),
    );
};
