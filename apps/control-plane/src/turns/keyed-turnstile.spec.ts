import { KeyedTurnstile } from './keyed-turnstile.ts';

/** Work that goes on until it is told to end. */
class Work {
  readonly begun: string[] = [];
  private readonly ends = new Map<string, () => void>();

  readonly start = (name: string) => (): Promise<void> => {
    this.begun.push(name);
    return new Promise((resolve) => this.ends.set(name, resolve));
  };

  async end(name: string): Promise<void> {
    this.ends.get(name)?.();
    await new Promise(setImmediate);
  }
}

describe('KeyedTurnstile', () => {
  it('lets so many of a key in, the others in their order, and those of other keys at once', async () => {
    const turnstile = new KeyedTurnstile(2);
    const work = new Work();
    for (const name of ['a1', 'a2', 'a3', 'a4', 'b1']) void turnstile.pass(name[0] ?? '', work.start(name));
    expect(work.begun).toEqual(['a1', 'a2', 'b1']);
    await work.end('a2');
    await work.end('a1');
    expect(work.begun).toEqual(['a1', 'a2', 'b1', 'a3', 'a4']);
  });

  it('goes on after work that failed', async () => {
    const turnstile = new KeyedTurnstile(1);
    const failing = turnstile.pass('a', () => Promise.reject(new RangeError('no')));
    const next = turnstile.pass('a', () => Promise.resolve('done'));
    await expect(failing).rejects.toThrow(RangeError);
    await expect(next).resolves.toBe('done');
  });

  it('is full while one more would have to wait', async () => {
    const turnstile = new KeyedTurnstile(1);
    const work = new Work();
    expect(turnstile.isFull('a')).toBe(false);
    const passed = turnstile.pass('a', work.start('a1'));
    expect([turnstile.isFull('a'), turnstile.isFull('b')]).toEqual([true, false]);
    await work.end('a1');
    await passed;
    expect(turnstile.isFull('a')).toBe(false);
  });
});
