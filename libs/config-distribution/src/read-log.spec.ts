import type { StoredRecord } from './config-channel.port.ts';
import { InMemoryConfigChannel } from './in-memory/in-memory-config-channel.ts';
import { readLog, RECORDS_PER_LOOK } from './read-log.ts';
import { ReplaceableChannel } from './testing/index.ts';

const FROM_START = { sequence: 0, tip: undefined };
const record = (sequence: number): StoredRecord => ({ sequence, proxyId: 'p', deployment: 1, sealed: `s${sequence}` });
const foreign = (sequence: number): StoredRecord => ({ ...record(sequence), isForeign: true });

/** A log that gives whatever a test makes up; it breaks off when it is asked for ever. */
function hostileLog(read: (after: number, limit: number) => readonly StoredRecord[]): {
  channel: ReplaceableChannel;
  reads: () => number;
} {
  const channel = new ReplaceableChannel(new InMemoryConfigChannel());
  let reads = 0;
  channel.recordsAfter = async (after, limit) => {
    reads += 1;
    if (reads > 1_000) throw new Error('it is read without end');
    return read(after, limit);
  };
  return { channel, reads: () => reads };
}

describe('reading a log that somebody else writes to', () => {
  it('stops with a gap when a read brings it no further', async () => {
    const { channel, reads } = hostileLog((_after, limit) => Array.from({ length: limit }, () => foreign(1)));
    const { state, records, hasForeign } = await readLog(channel, { sequence: 1, tip: 's1' });
    expect({ state, records: records.length, hasForeign }).toEqual({ state: 'gap', records: 0, hasForeign: true });
    expect(reads()).toBeLessThan(4);
  });

  it('stops with a gap when records have no end', async () => {
    const { channel } = hostileLog((after, limit) =>
      Array.from({ length: limit }, (_, index) => record(after + index + 1)),
    );
    const { state, records } = await readLog(channel, FROM_START);
    expect(state).toBe('gap');
    expect(records.length).toBe(RECORDS_PER_LOOK);
  });

  it('stops with a gap at numbers that cannot be counted', async () => {
    const { channel, reads } = hostileLog((_after, limit) =>
      Array.from({ length: limit }, (_, index) => foreign(2 ** 53 + 2 * index)),
    );
    expect((await readLog(channel, FROM_START)).state).toBe('gap');
    expect(reads()).toBe(1);
  });

  it('passes over what stands under ids that no publisher gives, and goes on behind it', async () => {
    const { channel } = hostileLog((after, limit) =>
      [record(1), ...Array.from({ length: 700 }, () => foreign(1)), record(2)]
        .filter(({ sequence }) => sequence > after)
        .slice(0, limit),
    );
    const { state, records, hasForeign } = await readLog(channel, FROM_START);
    expect({ state, hasForeign }).toEqual({ state: 'whole', hasForeign: true });
    expect(records.map(({ sequence }) => sequence)).toEqual([1, 2]);
  });
});
