import { COUNT_AGE_MS, LastKnownCount } from './last-known-count.ts';

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a count that is asked for elsewhere', () => {
  it('is never waited for, and asked for again when it is old', async () => {
    const clock = { ms: 0 };
    let asked = 0;
    const count = new LastKnownCount(
      async () => (asked += 1),
      () => clock.ms,
    );
    expect(count.read()).toBeUndefined();
    await settled();
    clock.ms += COUNT_AGE_MS - 1;
    expect([count.read(), asked]).toEqual([1, 1]);
    clock.ms += 1;
    expect([count.read(), asked]).toEqual([1, 2]);
    await settled();
    expect(count.read()).toBe(2);
  });

  it('is asked for once while nobody answers, and not known after a failure', async () => {
    const clock = { ms: 0 };
    const open: { resolve: (count: number) => void; reject: (error: Error) => void }[] = [];
    const ask = () => new Promise<number>((resolve, reject) => void open.push({ resolve, reject }));
    const count = new LastKnownCount(ask, () => clock.ms);
    count.read();
    clock.ms += 10 * COUNT_AGE_MS;
    count.read();
    expect(open).toHaveLength(1);
    open[0]?.resolve(7);
    await settled();
    expect(count.read()).toBe(7);
    open[1]?.reject(new Error('away'));
    await settled();
    expect(count.read()).toBeUndefined();
  });
});
