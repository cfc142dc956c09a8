import { ResetMeter } from './reset-meter.ts';

const takenBack = (meter: ResetMeter, count: number): boolean[] =>
  Array.from({ length: count }, () => meter.takenBack());

describe('ResetMeter', () => {
  it('forgives 200 beyond those that were answered', () => {
    const meter = new ResetMeter();
    expect(takenBack(meter, 200)).not.toContain(true);
    meter.answered();
    expect(takenBack(meter, 2)).toEqual([false, true]);
  });

  it('lets ten a second pass for ever: streams of events have no other end', () => {
    const meter = new ResetMeter();
    takenBack(meter, 200);
    for (let second = 0; second < 1_000; second += 1) {
      meter.secondPassed();
      expect(takenBack(meter, 10)).not.toContain(true);
    }
    expect(meter.takenBack()).toBe(true);
  });

  it('takes quiet seconds and answers for no savings', () => {
    const meter = new ResetMeter();
    for (let second = 0; second < 100; second += 1) meter.secondPassed();
    for (let answer = 0; answer < 100; answer += 1) meter.answered();
    expect(takenBack(meter, 201).indexOf(true)).toBe(200);
  });
});
