import { comparePositions, START } from './global-position.ts';

const at = (epoch: number, transactionId: string, sequence: string) => ({ epoch, transactionId, sequence });

describe('comparePositions', () => {
  it.each([
    ['epoch before transaction', at(1, '900', '9'), at(2, '1', '1')],
    ['transaction before sequence', at(1, '5', '9'), at(1, '6', '1')],
    ['sequence last', at(1, '5', '1'), at(1, '5', '2')],
    ['numbers as numbers, not as text', at(1, '9', '9'), at(1, '10', '10')],
    ['numbers beyond 2^53', at(1, '18446744073709551614', '1'), at(1, '18446744073709551615', '1')],
    ['the start before everything', START, at(1, '0', '1')],
  ])('orders by %s', (_, before, after) => {
    expect(comparePositions(before, after)).toBeLessThan(0);
    expect(comparePositions(after, before)).toBeGreaterThan(0);
    expect(comparePositions(after, { ...after })).toBe(0);
  });
});
