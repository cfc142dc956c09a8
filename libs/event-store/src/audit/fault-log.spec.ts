import { FaultLog } from './fault-log.ts';
import { faultOf, type HistoryFault } from './history-fault.ts';

const ofEvent = (sequence: number): HistoryFault =>
  faultOf(
    'changed',
    {
      ...{ streamId: 'a', version: sequence, eventId: '00000000-0000-4000-8000-000000000000', type: 'Counted' },
      ...{
        recordedAt: '2026-01-02T03:04:05.678Z',
        position: { epoch: 1, transactionId: '7', sequence: `${sequence}` },
      },
    },
    'changed',
  );
const ofLine = (line: number): HistoryFault => ({ kind: 'checkpoint-not-genuine', problem: `line ${line}` });

describe('a log of faults', () => {
  it('keeps the first events, however many faults of other kinds or later events it was told of before', () => {
    const log = new FaultLog(3);
    for (const line of [1, 2, 3, 4]) log.add(ofLine(line));
    for (const sequence of [30, 100, 9, 20]) log.add(ofEvent(sequence));
    expect(log.count).toBe(8);
    expect(log.inOrder()).toEqual([9, 20, 30].map(ofEvent));
  });

  it('keeps faults without an event in the order in which they were met, behind the others', () => {
    const log = new FaultLog(3);
    log.add(ofLine(2));
    log.add(ofEvent(1));
    log.add(ofLine(1));
    expect(log.inOrder()).toEqual([ofEvent(1), ofLine(2), ofLine(1)]);
  });
});
