import { type GlobalPosition } from '../global-position.ts';
import { type AuditedRow } from './audited-row.ts';
import { type AnchoredHead, type Checkpoint, nextDigest, NO_EVENTS_DIGEST } from './checkpoint.ts';
import { type FaultLog } from './fault-log.ts';
import { faultOf, type HistoryFaultKind, nameEvent, type NamedEvent, positionOf } from './history-fault.ts';
import { type StreamTraces } from './stream-traces.ts';

interface PlacedEvent {
  readonly event: NamedEvent;
  /** Hexadecimal. */
  readonly mac: string | undefined;
  /** In the log, counted from 1. */
  readonly place: number;
}

interface Finding {
  readonly kind: HistoryFaultKind;
  readonly found: PlacedEvent;
  readonly problem: string;
}

/** Some times what a checkpoint covers: where more lies between two, checkpoints in between were taken away, and named. */
const MOST_EVENTS_KEPT = 20_000;

/** Compares the events from one checkpoint to the next with what was signed. */
export class IntervalCheck {
  private digest: Buffer = NO_EVENTS_DIGEST;
  private place = 0;
  private before = 0;
  private events: PlacedEvent[] = [];

  constructor(
    private readonly traces: StreamTraces,
    private readonly faults: FaultLog,
  ) {}

  /** @param isAwaited a checkpoint is to come that covers the event */
  follow(row: AuditedRow, isAwaited: boolean): void {
    if (!isAwaited) return;
    const position: GlobalPosition = positionOf(row);
    this.place += 1;
    this.digest = nextDigest(this.digest, row.mac, position);
    if (this.events.length >= MOST_EVENTS_KEPT) return;
    this.events.push({ event: nameEvent(row), mac: row.mac?.toString('hex'), place: this.place });
  }

  /** All events up to the checkpoint have been followed. */
  close(checkpoint: Checkpoint): void {
    if (this.digest.toString('hex') !== checkpoint.digest) this.compare(checkpoint);
    this.digest = Buffer.from(checkpoint.digest, 'hex');
    this.place = checkpoint.eventCount;
    this.before = checkpoint.number;
    this.events = [];
  }

  private compare(checkpoint: Checkpoint): void {
    const found = byStream(this.events);
    const missed = checkpoint.heads.filter((head) => this.noteIfMissed(head, checkpoint)).length;
    const isExplained = missed > 0 || this.events.some(({ event }) => this.traces.find(event.streamId)?.isFaulty);
    const findings = [
      ...checkpoint.heads.flatMap((head) => replacedIn(head, found.get(head.streamId) ?? [], checkpoint)),
      ...(this.before === checkpoint.number - 1 ? tooEarly(checkpoint, found) : []),
    ];
    // When events are missing or too many, all others have other places than before, and nobody moved them.
    if (findings.length === 0 && !isExplained) {
      findings.push(...checkpoint.heads.flatMap((head) => movedIn(head, found.get(head.streamId) ?? [])));
      if (findings.length === 0) return this.nameOrder(checkpoint);
    }
    for (const { kind, found: one, problem } of findings) {
      const trace = this.traces.of(one.event.streamId);
      if (!trace.isFaulty) this.traces.name(trace, faultOf(kind, one.event, problem));
    }
  }

  /** Notes a stream that is behind where the checkpoint saw it: whether that was cut off or moved, the rest will show. */
  private noteIfMissed(head: AnchoredHead, { number, takenAt }: Checkpoint): boolean {
    const trace = this.traces.of(head.streamId);
    if (trace.isFaulty || trace.version >= head.version) return false;
    trace.missed ??= { version: head.version, mac: head.mac, takenAt, source: `checkpoint ${number}` };
    return true;
  }

  private nameOrder({ number, takenAt }: Checkpoint): void {
    const last = this.events.at(-1);
    const problem = `the events up to here are not in the order that checkpoint ${number} saw on ${takenAt}`;
    this.faults.add(
      last === undefined
        ? { kind: 'order-differs', problem, checkpoint: number }
        : faultOf('order-differs', last.event, problem),
    );
  }
}

function byStream(events: readonly PlacedEvent[]): ReadonlyMap<string, readonly PlacedEvent[]> {
  const grouped = new Map<string, PlacedEvent[]>();
  for (const one of events) {
    const group = grouped.get(one.event.streamId);
    if (group === undefined) grouped.set(one.event.streamId, [one]);
    else group.push(one);
  }
  return grouped;
}

function replacedIn(head: AnchoredHead, found: readonly PlacedEvent[], { number, takenAt }: Checkpoint): Finding[] {
  const last = found.find(({ event }) => event.version === head.version);
  if (last === undefined || last.mac === head.mac) return [];
  const problem = `it is not the event that checkpoint ${number} had seen on ${takenAt}`;
  return [{ kind: 'replaced', found: last, problem }];
}

/** Events in the interval that the checkpoint did not see there. */
function tooEarly(checkpoint: Checkpoint, found: ReadonlyMap<string, readonly PlacedEvent[]>): Finding[] {
  const versions = new Map(checkpoint.heads.map((head) => [head.streamId, head.version]));
  const problem = `it was not in the log yet when checkpoint ${checkpoint.number} was taken on ${checkpoint.takenAt}`;
  return [...found].flatMap(([streamId, events]): Finding[] => {
    const one = events.find(({ event }) => event.version > (versions.get(streamId) ?? 0));
    return one === undefined ? [] : [{ kind: 'moved', found: one, problem }];
  });
}

/** The first event of a stream that stands elsewhere in the log than it did. */
function movedIn({ version, places }: AnchoredHead, found: readonly PlacedEvent[]): Finding[] {
  const placeOf = (one: PlacedEvent) => places[one.event.version - version + places.length - 1];
  const one = found.find((candidate) => placeOf(candidate) !== candidate.place);
  if (one === undefined) return [];
  const problem = `it was event ${placeOf(one) ?? '(none)'} of the log, and now it is event ${one.place}`;
  return [{ kind: 'moved', found: one, problem }];
}
