/**
 * `foreign`: not sealed here. `old`: sealed here, and not renewed by its gateway since. `flood`: there are more than are looked
 * at.
 */
export type LeaseProblem = 'foreign' | 'old' | 'flood';

export interface LeaseReport {
  readonly problem: LeaseProblem;
  /** Texts that were refused since the report before. */
  readonly count: number;
  /** Whether one of their gateways was not reported before. */
  readonly isNews: boolean;
  /** Some of those. */
  readonly gatewayIds: readonly string[];
}

export type LeaseReportHook = (report: LeaseReport) => void;

/** Whoever writes leases chooses their ids: beyond this many the memory starts again. */
const IDS_REMEMBERED = 1_000;
const IDS_NAMED = 5;

/** Gathers what is refused in a look: however much it is, it is one report. */
export class LeaseReports {
  private readonly known = new Set<string>();
  private readonly open = new Map<LeaseProblem, { count: number; isNews: boolean; gatewayIds: string[] }>();

  constructor(private readonly onReport: LeaseReportHook) {}

  /** @param gatewayId '' where it is about no single one. */
  note(problem: LeaseProblem, gatewayId: string): void {
    const report = this.open.get(problem) ?? { count: 0, isNews: false, gatewayIds: [] };
    this.open.set(problem, report);
    report.count += 1;
    const key = `${problem} ${gatewayId}`;
    if (this.known.has(key)) return;
    if (this.known.size >= IDS_REMEMBERED) this.known.clear();
    this.known.add(key);
    report.isNews = true;
    if (gatewayId !== '' && report.gatewayIds.length < IDS_NAMED) report.gatewayIds.push(gatewayId);
  }

  /** Tells what was noted since. */
  tell(): void {
    for (const [problem, report] of this.open) this.onReport({ problem, ...report });
    this.open.clear();
  }
}
