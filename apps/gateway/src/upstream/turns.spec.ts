import { turnsOf } from './turns.ts';

const take = (count: number, next: () => number): string => Array.from({ length: count }, next).join('');
const unused = (): number => {
  throw new Error('nothing here is random');
};

describe('turns', () => {
  it.each(['ROUND_ROBIN', 'WEIGHTED'] as const)(
    'by %s follow the weights without runs of the heavy one',
    (algorithm) => {
      const turns = turnsOf(algorithm, [5, 1, 1], unused);
      expect(take(14, () => turns.next())).toBe('00102000010200');
      expect([turns.after(0), turns.after(1), turns.after(2)]).toEqual([1, 2, 0]);
    },
  );

  it('by LRU go to the address whose last turn is longest ago, further attempts counted, weights not', () => {
    const turns = turnsOf('LRU', [9, 1, 1], unused);
    expect(take(4, () => turns.next())).toBe('0120');
    expect(turns.after(0)).toBe(1);
    expect(take(4, () => turns.next())).toBe('2012');
  });

  it('by LRU never go back to the address that has just failed, as long as there is another', () => {
    const turns = turnsOf('LRU', [1, 1], unused);
    expect(take(2, () => turns.next())).toBe('01');
    expect([turns.after(0), turns.after(1), turns.next()]).toEqual([1, 0, 1]);
    expect(turnsOf('LRU', [1], unused).after(0)).toBe(0);
  });

  it('by RANDOM fall on an address as often as its weight is of the sum', () => {
    const counts = [0, 0, 0];
    let draw = 0;
    const turns = turnsOf('RANDOM', [1, 2, 1], () => draw);
    for (let step = 0; step < 400; step += 1) {
      draw = step / 400;
      const place = turns.next();
      counts[place] = (counts[place] ?? 0) + 1;
    }
    expect(counts).toEqual([100, 200, 100]);
    expect(turns.after(2)).toBe(0);
  });

  it('by PICK_FIRST are the first’s, and the next one’s only for another attempt', () => {
    const turns = turnsOf('PICK_FIRST', [1, 9], unused);
    expect(take(4, () => turns.next())).toBe('0000');
    expect([turns.after(0), turns.after(1), turns.next()]).toEqual([1, 0, 0]);
  });
});
