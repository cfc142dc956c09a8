import { comparePositions } from '../global-position.ts';
import { type HistoryFault } from './history-fault.ts';

/** Those of events first, in the order of the log. */
function byPlace(one: HistoryFault, other: HistoryFault): number {
  if (one.event === undefined || other.event === undefined) {
    return Number(one.event === undefined) - Number(other.event === undefined);
  }
  return comparePositions(one.event.position, other.event.position);
}

/** Counts faults and keeps the first ones: those of events first, in the order of the log, whenever they were met. */
export class FaultLog {
  count = 0;
  private kept: HistoryFault[] = [];

  /** @param limit how many are kept, from 1 */
  constructor(private readonly limit: number) {}

  add(fault: HistoryFault): void {
    this.count += 1;
    this.kept = [...this.kept, fault].sort(byPlace).slice(0, this.limit);
  }

  inOrder(): readonly HistoryFault[] {
    return this.kept;
  }
}
