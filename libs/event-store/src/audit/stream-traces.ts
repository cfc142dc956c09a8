import { type HistoryKeys } from '../history-keys.ts';
import { type AuditedRow } from './audited-row.ts';
import { checkLink } from './check-link.ts';
import { type FaultLog } from './fault-log.ts';
import { faultOf, type HistoryFault, nameEvent } from './history-fault.ts';

/** Where a checkpoint saw a stream end. */
export interface Anchor {
  readonly version: number;
  /** Hexadecimal. */
  readonly mac: string;
  /** ISO 8601, UTC. */
  readonly takenAt: string;
  /** `checkpoint 12`, and where it was found when it is not in the database. */
  readonly source: string;
}

/** How far a stream was followed. */
export interface StreamTrace {
  version: number;
  /** Hexadecimal. */
  mac: string | undefined;
  /** Named already: a stream is named once, with the first of its events that is at fault. */
  isFaulty: boolean;
  /** Has a row in `streams`. */
  hasHead: boolean;
  /** What a checkpoint had seen of it and the log does not hold where it belongs. */
  missed: Anchor | undefined;
}

/** All streams of the log, each followed event by event. The memory it takes is bounded by their number. */
export class StreamTraces {
  private readonly traces = new Map<string, StreamTrace>();

  /** @param lost what checkpoints outside the database saw that the database does not know of */
  constructor(
    private readonly keys: HistoryKeys,
    private readonly lost: ReadonlyMap<string, Anchor>,
    private readonly faults: FaultLog,
  ) {}

  get size(): number {
    return this.traces.size;
  }

  entries(): IterableIterator<[string, StreamTrace]> {
    return this.traces.entries();
  }

  find(streamId: string): StreamTrace | undefined {
    return this.traces.get(streamId);
  }

  /** The trace of a stream, also of one that no event was met of. */
  of(streamId: string): StreamTrace {
    const found = this.traces.get(streamId);
    if (found !== undefined) return found;
    const trace = { version: 0, mac: undefined, isFaulty: false, hasHead: false, missed: undefined };
    this.traces.set(streamId, trace);
    return trace;
  }

  follow(row: AuditedRow): void {
    const trace = this.of(row.stream_id);
    if (!trace.isFaulty) {
      const fault = checkLink(trace, row, this.keys) ?? this.checkAnchors(trace, row);
      if (fault !== undefined) this.name(trace, fault);
    }
    trace.version = Math.max(trace.version, row.version);
    trace.mac = row.mac?.toString('hex');
  }

  name(trace: StreamTrace, fault: HistoryFault): void {
    trace.isFaulty = true;
    this.faults.add(fault);
  }

  /** For an event that is genuine and in its stream's order: whether it is where, and what, checkpoints had seen. */
  private checkAnchors({ missed }: StreamTrace, row: AuditedRow): HistoryFault | undefined {
    if (missed !== undefined) {
      const problem =
        `it stands behind ${missed.source}, which had seen version ${missed.version} of the stream on ` +
        `${missed.takenAt}: it was moved, or put in the place of an event that was cut off`;
      return faultOf('replaced', nameEvent(row), problem);
    }
    const lost = this.lost.get(row.stream_id);
    if (lost?.version !== row.version || lost.mac === row.mac?.toString('hex')) return undefined;
    return faultOf('replaced', nameEvent(row), `it is not the event that ${lost.source} had seen on ${lost.takenAt}`);
  }
}
