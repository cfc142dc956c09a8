import { setImmediate as nextTurn } from 'node:timers/promises';
import { Turnstile } from './turnstile.ts';

/** Work that goes on until it is let go. */
function held() {
  let letGo: (value: string) => void = () => undefined;
  const ended = new Promise<string>((resolve) => (letGo = resolve));
  return { work: () => ended, letGo };
}

describe('a turnstile', () => {
  it('lets in as many as there is room for, the others in the order in which they came', async () => {
    const turnstile = new Turnstile(2);
    const begun: number[] = [];
    const works = [0, 1, 2, 3].map((number) => ({ number, ...held() }));
    const passed = works.map(({ number, work }) =>
      turnstile.pass(() => {
        begun.push(number);
        return work();
      }),
    );
    await nextTurn();
    expect(begun).toEqual([0, 1]);
    works[1]?.letGo('one');
    expect(await passed[1]).toBe('one');
    await nextTurn();
    expect(begun).toEqual([0, 1, 2]);
    for (const { letGo } of works) letGo('done');
    await Promise.all(passed);
    expect(begun).toEqual([0, 1, 2, 3]);
  });

  it('is free again after work that failed', async () => {
    const turnstile = new Turnstile(1);
    await expect(turnstile.pass(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await turnstile.pass(() => Promise.resolve('yes'))).toBe('yes');
  });
});
