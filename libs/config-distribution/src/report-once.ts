/** Something found in the channel that must not be there; it changed nothing. */
export interface ChannelReport {
  readonly problem:
    | 'empty'
    | 'gap'
    | 'restored'
    /** The log is longer than it is said to be. */
    | 'wrong-position'
    | 'altered-record'
    | 'altered-artifact'
    | 'altered-checkpoint'
    | 'altered-hint'
    | 'altered-last-good'
    | 'older'
    | 'missing-artifact'
    /** The newest cannot be applied: its last good one is served instead. */
    | 'last-good';
  readonly proxyId?: string;
  readonly deployment?: number;
  /** How many more of the kind were found at the same look. */
  readonly others?: number;
}

/** Reports that were made once already; beyond this many the memory starts again. */
const REPORTS_REMEMBERED = 10_000;

/** What is looked at again every second is said once. */
export class ReportOnce {
  private readonly made = new Set<string>();

  constructor(private readonly report: (report: ChannelReport) => void) {}

  tell(report: ChannelReport): void {
    const key = JSON.stringify(report);
    if (this.made.has(key)) return;
    if (this.made.size >= REPORTS_REMEMBERED) this.made.clear();
    this.made.add(key);
    this.report(report);
  }

  /** It is over: the next time is news. */
  forget(...problems: ChannelReport['problem'][]): void {
    for (const problem of problems) this.made.delete(JSON.stringify({ problem }));
  }
}
