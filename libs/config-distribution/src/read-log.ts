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
}

const RECORDS_PER_READ = 500;

/** Takes the record at `from` itself out of the first read: it tells whether this is still the log that was known. */
function checkTip(first: StoredRecord | undefined, from: LogEnd): LogStretch['state'] {
  if (first?.sequence === from.sequence) {
    return from.tip === undefined || from.tip === first.sealed ? 'whole' : 'other-log';
  }
  return from.tip === undefined ? 'whole' : 'gap';
}

/**
 * Reads the records after `from`. A Redis that was restored from an old copy and published to since may show the same
 * epoch and a higher sequence, so the last record that is known is read again and compared.
 *
 * @throws ChannelUnavailable
 */
export async function readLog(channel: ConfigChannel, from: LogEnd): Promise<LogStretch> {
  const records: StoredRecord[] = [];
  let { sequence, tip } = from;
  let after = Math.max(0, from.sequence - 1);
  let state: LogStretch['state'] | undefined;
  for (;;) {
    const read = await channel.recordsAfter(after, RECORDS_PER_READ);
    if (from.sequence > 0) state ??= checkTip(read[0], from);
    for (const record of read) {
      tip = record.sealed;
      if (record.sequence === from.sequence) continue;
      if (record.sequence !== sequence + 1) state = state === 'other-log' ? state : 'gap';
      sequence = record.sequence;
      records.push(record);
    }
    after = Math.max(sequence, after);
    if (read.length < RECORDS_PER_READ) return { records, end: { sequence, tip }, state: state ?? 'whole' };
  }
}
