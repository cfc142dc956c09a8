import { turnsOf, type IsOpen, type TurnSources } from './turns.ts';

const take = (count: number, next: () => number): string => Array.from({ length: count }, next).join('');
const never = (): number => {
  throw new Error('nothing here depends on it');
};
const unused: TurnSources = { random: never, inFlightAt: never };
const every: IsOpen = () => true;
const only =
  (...places: readonly number[]): IsOpen =>
  (place) =>
    places.includes(place);

describe('turns', () => {
  it.each(['ROUND_ROBIN', 'WEIGHTED'] as const)(
    'by %s follow the weights without runs of the heavy one',
    (algorithm) => {
      const turns = turnsOf(algorithm, [5, 1, 1], unused);
      expect(take(14, () => turns.next(every))).toBe('00102000010200');
      expect([turns.after(0, every), turns.after(1, every), turns.after(2, every)]).toEqual([1, 2, 0]);
    },
  );

  it('by LRU go to the address whose last turn is longest ago, further attempts counted, weights not', () => {
    const turns = turnsOf('LRU', [9, 1, 1], unused);
    expect(take(4, () => turns.next(every))).toBe('0120');
    expect(turns.after(0, every)).toBe(1);
    expect(take(4, () => turns.next(every))).toBe('2012');
  });

  it('by LRU never go back to the address that has just failed, as long as there is another', () => {
    const turns = turnsOf('LRU', [1, 1], unused);
    expect(take(2, () => turns.next(every))).toBe('01');
    expect([turns.after(0, every), turns.after(1, every), turns.next(every)]).toEqual([1, 0, 1]);
    expect(turnsOf('LRU', [1], unused).after(0, every)).toBe(0);
  });

  it('by RANDOM fall on an address as often as its weight is of the sum', () => {
    const counts = [0, 0, 0];
    let draw = 0;
    const turns = turnsOf('RANDOM', [1, 2, 1], { ...unused, random: () => draw });
    for (let step = 0; step < 400; step += 1) {
      draw = step / 400;
      const place = turns.next(every);
      counts[place] = (counts[place] ?? 0) + 1;
    }
    expect(counts).toEqual([100, 200, 100]);
    expect(turns.after(2, every)).toBe(0);
  });

  it('by PICK_FIRST are the first’s, and the next one’s only for another attempt', () => {
    const turns = turnsOf('PICK_FIRST', [1, 9], unused);
    expect(take(4, () => turns.next(every))).toBe('0000');
    expect([turns.after(0, every), turns.after(1, every), turns.next(every)]).toEqual([1, 0, 0]);
  });

  it('by LEAST_CONNECTIONS go where the fewest requests are for the weight, between equals by weight', () => {
    const inFlight = [0, 0, 0];
    const turns = turnsOf('LEAST_CONNECTIONS', [1, 2, 1], { ...unused, inFlightAt: (place) => inFlight[place] ?? 0 });
    const begin = (): number => {
      const place = turns.next(every);
      inFlight[place] = (inFlight[place] ?? 0) + 1;
      return place;
    };
    expect(take(8, begin).split('').sort().join('')).toBe('00111122');
    expect(inFlight).toEqual([2, 4, 2]);
    inFlight[2] = 0;
    expect(take(2, begin)).toBe('22');
    inFlight[1] = 0;
    expect(turns.after(0, every)).toBe(1);
    expect(turns.after(1, every)).not.toBe(1);
    expect(turns.after(1, only(1))).toBe(1);
    inFlight.fill(0);
    // Nothing in flight: turns by weight, as often as the weights say.
    expect(
      take(8, () => turns.next(every))
        .split('')
        .sort()
        .join(''),
    ).toBe('00111122');
  });

  it.each(['ROUND_ROBIN', 'WEIGHTED', 'LRU', 'RANDOM', 'PICK_FIRST', 'LEAST_CONNECTIONS'] as const)(
    'by %s pass over what is not open, and go back to what has failed only when nothing else is open',
    (algorithm) => {
      let draw = 0;
      const sources = { random: () => (draw = (draw + 0.37) % 1), inFlightAt: () => 0 };
      const turns = turnsOf(algorithm, [3, 1, 2, 1], sources);
      const isOpen = only(1, 2);
      const taken = take(12, () => turns.next(isOpen));
      expect(taken).toMatch(algorithm === 'PICK_FIRST' ? /^1+$/ : /^(?=.*1)(?=.*2)[12]+$/);
      expect([turns.after(1, isOpen), turns.after(2, isOpen)]).toEqual([2, 1]);
      expect([turns.after(1, only(1)), turns.after(0, only(3))]).toEqual([1, 3]);
    },
  );
});
