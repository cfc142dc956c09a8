/** One line of what is printed at the end. */
export interface TableRow {
  readonly work: string;
  readonly beside: string;
  readonly wanted: string;
  readonly reached: string;
  /** Undefined: not judged. */
  readonly isMet: boolean | undefined;
  readonly ours: string;
  readonly theirs: string;
  readonly notes: string;
}

const HEAD = ['Work', 'Beside', 'Wanted', 'Reached', '', 'Gatewarden', 'Theirs', 'How'] as const;

const verdictOf = (isMet: boolean | undefined): string => (isMet === undefined ? '' : isMet ? 'met' : 'MISSED');

/** As Markdown: it goes into the documentation as it is. */
export function tableText(rows: readonly TableRow[]): string {
  const cells = rows.map(({ work, beside, wanted, reached, isMet, ours, theirs, notes }) => [
    ...[work, beside, wanted, reached, verdictOf(isMet), ours, theirs, notes],
  ]);
  const lines = [[...HEAD], HEAD.map(() => '---'), ...cells];
  return lines.map((line) => `| ${line.join(' | ')} |`).join('\n');
}
