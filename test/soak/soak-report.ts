import { fittedRise, type Held } from './resources.ts';

/** What was counted while there was traffic. */
export interface SoakCounts {
  readonly visits: Map<string, number>;
  readonly complaints: string[];
  complaintCount: number;
  changes: number;
  /** By gateway. */
  readonly held: Map<string, Held[]>;
  readonly calmAfterwards: Map<string, number>;
}

/** Before it, code is still being compiled, pools filled and the heap sized. */
const WARM_UP_SHARE = 1 / 3;
/** Shorter runs say nothing on memory: they are all warm-up. */
const LEAST_JUDGED_MS = 180_000;
/** What a straight line through what was held may rise by, after the warm-up. */
const MOST_RISE = { residentMb: 20, descriptors: 15 } as const;

export interface SoakReport {
  /** What was counted, in the order in which it is shown. */
  readonly figures: readonly (readonly [what: string, figure: string])[];
  /** Empty: everything was as it has to be. */
  readonly violations: readonly string[];
}

export function reportOf(counts: SoakCounts, durationMs: number): SoakReport {
  const violations = [...counts.complaints];
  const untold = counts.complaintCount - counts.complaints.length;
  if (untold > 0) violations.push(`… and ${untold} more`);
  const figures: [string, string][] = [
    ['seconds of traffic', (durationMs / 1_000).toFixed(0)],
    ['configuration changes', String(counts.changes)],
    ...[...counts.visits].map(([kind, count]): [string, string] => [kind, String(count)]),
    ['not as it had to be', String(counts.complaintCount)],
  ];
  for (const [id, held] of counts.held) {
    const warm = held.filter(({ atMs }) => atMs >= (held[0]?.atMs ?? 0) + durationMs * WARM_UP_SHARE);
    for (const what of ['residentMb', 'descriptors'] as const) {
      const rise = fittedRise(warm, what);
      figures.push([`${id}: ${NAMES[what]}`, `${spanOf(warm, what)}, rise ${rise.toFixed(1)}`]);
      if (durationMs >= LEAST_JUDGED_MS && rise > MOST_RISE[what]) {
        violations.push(`${id}: ${NAMES[what]} rose by ${rise.toFixed(1)}, ${MOST_RISE[what]} is the most`);
      }
    }
    figures.push([`${id}: descriptors afterwards`, String(counts.calmAfterwards.get(id))]);
  }
  return { figures, violations };
}

const NAMES = { residentMb: 'memory (MB)', descriptors: 'descriptors' } as const;

function spanOf(held: readonly Held[], of: keyof typeof NAMES): string {
  const values = held.map((one) => one[of]);
  return `${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)}`;
}

/** As a table for people. */
export function textOf({ figures, violations }: SoakReport): string {
  const widest = Math.max(...figures.map(([what]) => what.length));
  const lines = figures.map(([what, figure]) => `  ${what.padEnd(widest)}  ${figure}`);
  const verdict =
    violations.length === 0 ? 'everything was as it had to be' : `WRONG:\n  - ${violations.join('\n  - ')}`;
  return [...lines, verdict].join('\n');
}
