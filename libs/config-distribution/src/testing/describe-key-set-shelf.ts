import { KEY_SET_SHELF_LIMITS, type KeySetEntry, type KeySetShelf } from '../key-sets/key-set-shelf.port.ts';

export interface ShelfUnderTest {
  readonly shelf: KeySetShelf;
  /** Makes everything on it older by this. */
  passTime(ms: number): Promise<void>;
}

const named = (name: string): KeySetEntry => ({ origin: 'policy', name });

/** What every adapter of the port promises. The factory gives an empty shelf that keeps sets for `keepMs`. */
export function describeKeySetShelf(name: string, keepMs: number, fresh: () => Promise<ShelfUnderTest>): void {
  describe(`${name} as a shelf of key sets`, () => {
    const a = named('a');
    let under: ShelfUnderTest;
    let shelf: KeySetShelf;
    beforeEach(async () => {
      under = await fresh();
      ({ shelf } = under);
    });
    const seen = async (entry: KeySetEntry) => [await shelf.attempt(entry), await shelf.document(entry)];

    it('is empty at first', async () => {
      expect(await seen(a)).toEqual([undefined, undefined]);
    });

    it('gives back what was put there, of each set and origin apart', async () => {
      expect(await shelf.replace(a, undefined, 'attempt ü', 'document\nü')).toBe(true);
      expect(await shelf.replace(named('b'), undefined, 'other')).toBe(true);
      expect(await seen(a)).toEqual(['attempt ü', 'document\nü']);
      expect(await seen(named('b'))).toEqual(['other', undefined]);
      expect(await seen({ ...a, origin: 'variable' })).toEqual([undefined, undefined]);
    });

    it('replaces what was expected and nothing else', async () => {
      await shelf.replace(a, undefined, 'first', 'document 1');
      expect(await shelf.replace(a, undefined, 'second', 'document 2')).toBe(false);
      expect(await shelf.replace(a, 'other', 'second', 'document 2')).toBe(false);
      expect(await seen(a)).toEqual(['first', 'document 1']);
      expect(await shelf.replace(a, 'first', 'second', 'document 2')).toBe(true);
      expect(await seen(a)).toEqual(['second', 'document 2']);
      expect(await shelf.replace(named('b'), 'first', 'second')).toBe(false);
      expect(await seen(named('b'))).toEqual([undefined, undefined]);
    });

    it('keeps the document of an earlier attempt beside one that brought none', async () => {
      await shelf.replace(a, undefined, 'first', 'document 1');
      await shelf.replace(a, 'first', 'second');
      expect(await seen(a)).toEqual(['second', 'document 1']);
    });

    it('lets one of many through that expect the same', async () => {
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, (_, index) => shelf.replace(a, undefined, `attempt ${index}`)),
      );
      expect(outcomes.filter(Boolean)).toHaveLength(1);
      expect(await shelf.attempt(a)).toBe(`attempt ${outcomes.indexOf(true)}`);
    });

    it('keeps a document of 1 MiB', async () => {
      const long = 'x'.repeat(1024 * 1024);
      await shelf.replace(a, undefined, 'attempt', long);
      expect(await shelf.document(a)).toBe(long);
    });

    it('forgets a set that nothing was written of for so long, and no other', async () => {
      await shelf.replace(a, undefined, 'a', 'document');
      await shelf.replace(named('b'), undefined, 'b');
      await under.passTime(keepMs - 10_000);
      await shelf.replace(named('b'), 'b', 'again');
      await under.passTime(20_000);
      await shelf.replace(named('c'), undefined, 'c');
      expect(await seen(a)).toEqual([undefined, undefined]);
      expect(await shelf.attempt(named('b'))).toBe('again');
    });

    it('forgets sets from variables that were written of longest ago when there are too many, and none of policies', async () => {
      const variable = (index: number): KeySetEntry => ({ origin: 'variable', name: `set ${index}` });
      const { variable: limit } = KEY_SET_SHELF_LIMITS.sets;
      await shelf.replace(a, undefined, 'a');
      for (let index = 0; index < 2; index += 1) await shelf.replace(variable(index), undefined, 'attempt', 'document');
      await under.passTime(5_000);
      await shelf.replace(variable(0), 'attempt', 'again');
      await Promise.all(
        Array.from({ length: limit - 1 }, (_, index) => shelf.replace(variable(index + 2), undefined, 'attempt')),
      );
      expect(await seen(variable(1))).toEqual([undefined, undefined]);
      expect(await seen(variable(0))).toEqual(['again', 'document']);
      expect(await shelf.attempt(variable(limit))).toBe('attempt');
      expect(await shelf.attempt(a)).toBe('a');
    });
  });
}
