import { comparePositions } from '../global-position.ts';
import { type HistoryFault } from './history-fault.ts';

/** Counts faults and keeps the first ones. */
export class FaultLog {
  count = 0;
  private readonly kept: HistoryFault[] = [];

  /** @param limit how many are kept, from 1 */
  constructor(private readonly limit: number) {}

  add(fault: HistoryFault): void {
    this.count += 1;
    if (this.kept.length < this.limit) this.kept.push(fault);
  }

  /** Those of events first, in the order of the log. */
  inOrder(): readonly HistoryFault[] {
    return [...this.kept].sort((one, other) => {
      if (one.event === undefined || other.event === undefined) {
        return Number(one.event === undefined) - Number(other.event === undefined);
      }
      return comparePositions(one.event.position, other.event.position);
    });
  }
}
