import type { Logger } from '#libs/program-shell';
import type { GatewayMetrics } from './gateway-metrics.ts';

/** How long after a line of a reason no other one is written; the metric counts on. */
const SILENT_MS = 10_000;

/** Reports what was refused because there is too much to do: under a flood a line now and then, not one for each request. */
export class OverloadJournal {
  private readonly writtenAt = new Map<string, number>();

  /** @param nowMs a clock that never goes back */
  constructor(
    private readonly logger: Logger,
    private readonly metrics: Pick<GatewayMetrics, 'countReport'>,
    private readonly nowMs: () => number,
  ) {}

  /** @param reason one of few */
  refused(reason: string): void {
    this.metrics.countReport('overload');
    const now = this.nowMs();
    if (now - (this.writtenAt.get(reason) ?? Number.NEGATIVE_INFINITY) < SILENT_MS) return;
    this.writtenAt.set(reason, now);
    this.logger.warn({ reason }, 'refused: too much at once');
  }
}
