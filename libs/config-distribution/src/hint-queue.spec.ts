import { changeHintText, LONGEST_HINT_CHARACTERS } from './change-hint.ts';
import { HintQueue } from './hint-queue.ts';

describe('HintQueue', () => {
  const hint = (sequence: number, epoch = 'epoch'): string =>
    changeHintText({ epoch, sequence }, { proxyId: 'a', deployment: sequence, record: 'record', artifact: null });
  const taken = (messages: readonly string[], sequence: number): number[] => {
    const queue = new HintQueue();
    for (const message of messages) queue.offer(message);
    return queue.takeBehind({ epoch: 'epoch', sequence }).map(({ record }) => record.sequence);
  };

  it.each([
    ['what comes next', [3, 4, 5], [3, 4, 5]],
    ['nothing behind a gap', [3, 5, 6], [3]],
    ['nothing when the next one is missing', [4, 5], []],
    ['nothing that is known already, nor twice', [1, 2, 3, 3, 2, 4], [3, 4]],
    ['nothing that came before its turn', [4, 3], []],
  ])('gives %s', (_what, sequences, expected) => {
    expect(
      taken(
        sequences.map((sequence) => hint(sequence)),
        2,
      ),
    ).toEqual(expected);
  });

  it('gives nothing behind a hint of another log, or one that says nothing', () => {
    expect(taken([hint(1), hint(2, 'other'), hint(2)], 0)).toEqual([1]);
    expect(taken([hint(1), 'gibberish', hint(2)], 0)).toEqual([1]);
    expect(taken([hint(NaN), hint(1)], 0)).toEqual([]);
  });

  it('keeps only so many, the first ones', () => {
    const many = Array.from({ length: 5_000 }, (_, index) => hint(index + 1));
    expect(taken(many, 0)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
  });

  it('does not keep what is longer than any announcement, and goes on with what follows', () => {
    const tooLong = 'x'.repeat(LONGEST_HINT_CHARACTERS + 1);
    expect(taken([tooLong, hint(1), hint(2)], 0)).toEqual([1, 2]);
  });

  it('gives each once', () => {
    const queue = new HintQueue();
    queue.offer(hint(1));
    queue.takeBehind({ epoch: 'epoch', sequence: 0 });
    expect(queue.takeBehind({ epoch: 'epoch', sequence: 0 })).toEqual([]);
  });
});
