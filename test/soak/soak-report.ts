import { fittedRise, type Resource, type Sample } from './resources.ts';

/** What was counted while there was traffic. */
export interface SoakCounts {
  /** How long that was. */
  lastedMs: number;
  readonly visits: Map<string, number>;
  readonly complaints: string[];
  complaintCount: number;
  changes: number;
  /** By gateway. */
  readonly held: Map<string, Map<Resource, Sample[]>>;
  readonly calmAfterwards: Map<string, number>;
}

/** Before it, code is still being compiled, pools filled and the heap sized. */
const WARM_UP_SHARE = 1 / 3;

interface Judgement {
  readonly name: string;
  /** What a straight line through what was held may rise by, after the warm-up. */
  readonly mostRise: number;
  /** Shorter runs say nothing on it: they are all warm-up. */
  readonly fromMs: number;
}

const JUDGEMENTS: Readonly<Record<Resource, Judgement>> = {
  residentMb: { name: 'memory (MB)', mostRise: 20, fromMs: 180_000 },
  heapMb: { name: 'heap after garbage collection (MB)', mostRise: 3, fromMs: 10_000 },
  buffersMb: { name: 'buffers after garbage collection (MB)', mostRise: 20, fromMs: 180_000 },
  descriptors: { name: 'descriptors', mostRise: 15, fromMs: 180_000 },
};

export interface SoakReport {
  /** What was counted, in the order in which it is shown. */
  readonly figures: readonly (readonly [what: string, figure: string])[];
  /** Empty: everything was as it had to be. */
  readonly violations: readonly string[];
}

export function reportOf(counts: SoakCounts): SoakReport {
  const violations = [...counts.complaints];
  const untold = counts.complaintCount - counts.complaints.length;
  if (untold > 0) violations.push(`… and ${untold} more`);
  const figures: [string, string][] = [
    ['seconds of traffic', (counts.lastedMs / 1_000).toFixed(0)],
    ['configuration changes', String(counts.changes)],
    ...[...counts.visits].map(([kind, count]): [string, string] => [kind, String(count)]),
    ['not as it had to be', String(counts.complaintCount)],
  ];
  for (const [id, held] of counts.held) {
    for (const [resource, samples] of held) {
      const { figure, violation } = judged(resource, samples, counts.lastedMs);
      figures.push([`${id}: ${JUDGEMENTS[resource].name}`, figure]);
      if (violation !== undefined) violations.push(`${id}: ${violation}`);
    }
    figures.push([`${id}: descriptors afterwards`, String(counts.calmAfterwards.get(id))]);
  }
  return { figures, violations };
}

function judged(resource: Resource, samples: readonly Sample[], lastedMs: number) {
  const { name, mostRise, fromMs } = JUDGEMENTS[resource];
  const warmFromMs = (samples[0]?.atMs ?? 0) + lastedMs * WARM_UP_SHARE;
  const warm = samples.filter(({ atMs }) => atMs >= warmFromMs);
  const isJudged = lastedMs >= fromMs;
  if (warm.length < 2)
    return { figure: 'not looked at', violation: isJudged ? `${name} was not looked at` : undefined };
  const values = warm.map(({ value }) => value);
  const rise = fittedRise(warm);
  const figure = `${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)}, rise ${rise.toFixed(1)}`;
  const isTooMuch = isJudged && rise > mostRise;
  return { figure, violation: isTooMuch ? `${name} rose by ${rise.toFixed(1)}, ${mostRise} is the most` : undefined };
}

/** As a table for people. */
export function textOf({ figures, violations }: SoakReport): string {
  const widest = Math.max(...figures.map(([what]) => what.length));
  const lines = figures.map(([what, figure]) => `  ${what.padEnd(widest)}  ${figure}`);
  const verdict =
    violations.length === 0 ? 'everything was as it had to be' : `WRONG:\n  - ${violations.join('\n  - ')}`;
  return [...lines, verdict].join('\n');
}
