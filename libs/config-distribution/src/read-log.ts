import type { ConfigChannel, StoredRecord } from './config-channel.port.ts';

/** Up to where a log was read; `tip` is the sealed text of the record there, when one was seen. */
export interface LogEnd {
  readonly sequence: number;
  readonly tip: string | undefined;
}

export interface LogStretch {
  readonly records: readonly StoredRecord[];
  readonly end: LogEnd;
  /** `gap`: records in between are missing. `other-log`: what was read before stands there no more. */
  readonly state: 'whole' | 'gap' | 'other-log';
  /** Entries that no publisher gives were passed over. */
  readonly hasForeign: boolean;
}

const RECORDS_PER_READ = 500;
/** More than a log holds that is trimmed behind its checkpoint: whoever plants records must not fill the memory. */
export const RECORDS_PER_LOOK = 20_000;

/** What was read so far, in pages. */
class LogReading {
  private readonly records: StoredRecord[] = [];
  private state: LogStretch['state'] | undefined;
  private hasForeign = false;
  private seen = 0;
  private sequence: number;
  private tip: string | undefined;
  /** Where the next page begins: one earlier than `from` at first, which is read again. */
  after: number;

  constructor(private readonly from: LogEnd) {
    ({ sequence: this.sequence, tip: this.tip } = from);
    this.after = Math.max(0, from.sequence - 1);
  }

  /** Takes a page; whether another one is to be read. */
  take(page: readonly StoredRecord[]): boolean {
    const genuine = page.filter((record) => record.isForeign !== true);
    this.hasForeign ||= genuine.length < page.length;
    if (this.from.sequence > 0) this.state ??= this.tipState(genuine[0]);
    for (const record of genuine) this.add(record);
    this.seen += page.length;
    if (page.length < RECORDS_PER_READ) return false;
    const reached = page.at(-1)?.sequence ?? this.after;
    const goesOn = reached > this.after && Number.isSafeInteger(reached) && this.seen < RECORDS_PER_LOOK;
    if (goesOn) this.after = reached;
    else this.noteGap();
    return goesOn;
  }

  end(): LogStretch {
    const { records, sequence, tip, hasForeign } = this;
    return { records, end: { sequence, tip }, state: this.state ?? 'whole', hasForeign };
  }

  /** The record at `from` itself tells whether this is still the log that was known. */
  private tipState(first: StoredRecord | undefined): LogStretch['state'] {
    const { sequence, tip } = this.from;
    if (first?.sequence === sequence) return tip === undefined || tip === first.sealed ? 'whole' : 'other-log';
    return tip === undefined ? 'whole' : 'gap';
  }

  private add(record: StoredRecord): void {
    this.tip = record.sealed;
    if (record.sequence === this.from.sequence) return;
    if (record.sequence !== this.sequence + 1) this.noteGap();
    this.sequence = record.sequence;
    this.records.push(record);
  }

  private noteGap(): void {
    if (this.state !== 'other-log') this.state = 'gap';
  }
}

/**
 * Reads the records after `from`, at most `RECORDS_PER_LOOK`; what is longer counts as a gap. A Redis that was restored
 * from an old copy and published to since may show the same epoch and a higher sequence, so the last record that is
 * known is read again and compared.
 *
 * @throws ChannelUnavailable
 */
export async function readLog(channel: ConfigChannel, from: LogEnd): Promise<LogStretch> {
  const reading = new LogReading(from);
  while (reading.take(await channel.recordsAfter(reading.after, RECORDS_PER_READ)));
  return reading.end();
}
