import { comparePositions, START, type GlobalPosition, type PostgresEventStore } from '#libs/event-store';
import { auditLine, positionOf } from './audit-line.ts';
import { AUDIT_RANGE, AUDIT_WINDOW, PROJECTS_NAMED, type AuditRow } from './audit-rows.ts';
import type { AuditSelection } from './audit-selection.ts';

const LINES_PER_PAGE = 250;
/** As stored, compressed: some times as much in memory. */
const BYTES_PER_PAGE = 256 * 1024;
/** Of those that are looked through for a few: what one statement does stays within milliseconds. */
const LARGEST_WINDOW = 4_000;

/** Some lines of an export. */
export interface AuditPage {
  /** Each line with its end. */
  readonly text: string;
  /** At least 1. */
  readonly lineCount: number;
  /** Of the last line. */
  readonly position: GlobalPosition;
}

interface Stretch {
  readonly after: GlobalPosition;
  /** Undefined: to the end of the log. */
  readonly last: GlobalPosition | undefined;
}

const later = (one: GlobalPosition, other: GlobalPosition): GlobalPosition =>
  comparePositions(one, other) > 0 ? one : other;

/** Sequences are unique by themselves: between this place and `position` there is nothing. */
const justBefore = (position: GlobalPosition): GlobalPosition => ({
  ...position,
  sequence: String(BigInt(position.sequence) - 1n),
});

/** The log as lines of JSON, oldest first in the global order. Holds no connection between two pages. */
export class AuditTrail {
  constructor(
    private readonly store: Pick<PostgresEventStore, 'query'>,
    private readonly linesPerPage = LINES_PER_PAGE,
  ) {}

  /** Ids of all projects that ever bore the name, deleted ones included. @throws EventStoreUnavailable */
  async projectsNamed(name: string): Promise<readonly string[]> {
    const rows = await this.store.query<{ project_id: string }>(PROJECTS_NAMED, [name]);
    return rows.map((row) => row.project_id);
  }

  /**
   * Up to the newest event that no running transaction can slip in front of: whoever goes on after the last line later
   * misses nothing.
   *
   * @throws EventStoreUnavailable
   */
  async *pages(selection: AuditSelection): AsyncGenerator<AuditPage, void, undefined> {
    const stretch = await this.stretchOf(selection);
    if (stretch === undefined) return;
    let { after } = stretch;
    for (let windowSize = this.linesPerPage; ;) {
      const rows = await this.readWindow(selection, { ...stretch, after }, windowSize);
      const end = rows.at(-1);
      if (end === undefined) return;
      after = positionOf(end);
      const page = pageOf(rows.filter((row) => row.is_asked));
      if (page !== undefined) yield page;
      // Where little is found, more is looked through at once.
      const isSparse = end.is_last && rows.length < this.linesPerPage;
      windowSize = isSparse ? Math.min(windowSize * 2, LARGEST_WINDOW) : this.linesPerPage;
    }
  }

  /** @returns undefined when nothing was recorded in the time asked for */
  private async stretchOf({ fromMs, toMs, after = START }: AuditSelection): Promise<Stretch | undefined> {
    if (fromMs === undefined && toMs === undefined) return { after, last: undefined };
    const [first, last] = await this.store.query<AuditRow>(AUDIT_RANGE, [fromMs ?? null, toMs ?? null]);
    if (first === undefined || last === undefined) return undefined;
    // Without an end, what is recorded meanwhile belongs to it as well.
    return {
      after: later(after, justBefore(positionOf(first))),
      last: toMs === undefined ? undefined : positionOf(last),
    };
  }

  private readWindow(
    { projectIds, fromMs, toMs }: AuditSelection,
    { after, last }: Stretch,
    windowSize: number,
  ): Promise<readonly AuditRow[]> {
    return this.store.query<AuditRow>(AUDIT_WINDOW, [
      ...[after.epoch, after.transactionId, after.sequence, windowSize],
      ...[last?.epoch ?? null, last?.transactionId ?? null, last?.sequence ?? null],
      ...[fromMs ?? null, toMs ?? null, projectIds ?? null],
      ...[this.linesPerPage, BYTES_PER_PAGE],
    ]);
  }
}

function pageOf(rows: readonly AuditRow[]): AuditPage | undefined {
  const last = rows.at(-1);
  if (last === undefined) return undefined;
  const text = rows.map((row) => `${auditLine(row)}\n`).join('');
  return { text, lineCount: rows.length, position: positionOf(last) };
}
