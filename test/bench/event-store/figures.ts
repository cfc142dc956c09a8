import { performance } from 'node:perf_hooks';

export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? NaN;
}

export const median = (values: readonly number[]): number => percentile(values, 50);

/** Milliseconds of one run. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

/** Milliseconds of each of so many runs, one after the other. */
export async function timedRuns(count: number, work: (index: number) => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) times.push(await timed(() => work(index)));
  return times;
}

/** One line of the table. `ratio`: this store's figure against the bare one's, by the words of `what`. */
export interface Figure {
  readonly what: string;
  readonly bare: string;
  readonly ours: string;
  readonly ratio: number;
  /** Left out: for information. */
  readonly target?: { readonly least: number } | { readonly most: number };
}

export function isMet({ ratio, target }: Figure): boolean {
  if (target === undefined) return true;
  return 'least' in target ? ratio >= target.least : ratio <= target.most;
}

function verdict(figure: Figure): string {
  const { target } = figure;
  if (target === undefined) return '';
  const wanted = 'least' in target ? `>= ${target.least}` : `<= ${target.most}`;
  return `${wanted} ${isMet(figure) ? 'met' : 'MISSED'}`;
}

export function printTable(figures: readonly Figure[]): void {
  const rows = [
    ['', 'bare', 'ours', 'ratio', 'target'],
    ...figures.map((figure) => [figure.what, figure.bare, figure.ours, figure.ratio.toFixed(2), verdict(figure)]),
  ];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of rows)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('   ')
        .trimEnd(),
    );
}
