import fc from 'fast-check';
import { compileGlob, compilePathGlob, type TextTest } from './condition-patterns.ts';

function stepsOf(test: TextTest, text: string): number {
  const meter = { steps: 0 };
  test(text, meter);
  return meter.steps;
}

const escaped = (text: string): string => text.replace(/[\^$\\.*+?()[\]{}|/]/g, '\\$&');
const small = (...characters: string[]) =>
  fc.array(fc.constantFrom(...characters), { maxLength: 8 }).map((parts) => parts.join(''));

describe('a glob', () => {
  it('says what a regular expression of the same meaning says', () => {
    fc.assert(
      fc.property(small('a', 'b', '*', '%*', '%%', '.'), small('a', 'b', '*', '%', '.'), (pattern, text) => {
        const source = pattern.replace(/%?./gs, (part) => (part === '*' ? '[^]*' : escaped(part.at(-1) ?? '')));
        expect(compileGlob(pattern)(text)).toBe(new RegExp(`^${source}$`).test(text));
      }),
      { numRuns: 2000 },
    );
  });

  it('finds pieces that overlap themselves', () => {
    const letters = (maxLength: number) =>
      fc.array(fc.constantFrom('a', 'b'), { maxLength }).map((parts) => parts.join(''));
    expect(compileGlob('*aab*')('aaab')).toBe(true);
    fc.assert(
      fc.property(letters(6), letters(4), letters(24), (one, other, text) => {
        const expected = new RegExp(`${one}.*${other}`).test(text);
        expect(compileGlob(`*${one}*${other}*`)(text)).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['many wildcards', `${'*a'.repeat(1000)}*b*`, 'a'.repeat(100_000)],
    ['a piece that nearly fits everywhere', `*${'a'.repeat(10_000)}b*`, 'a'.repeat(100_000)],
    ['a piece with a period', `*${'aab'.repeat(3000)}c*`, 'aab'.repeat(33_000)],
  ])('takes steps linear to the text with %s', (_what, pattern, text) => {
    expect(compileGlob(pattern)(text)).toBe(false);
    const steps = stepsOf(compileGlob(pattern), text);
    expect(steps).toBeGreaterThan(text.length - pattern.length);
    expect(steps).toBeLessThan(3 * text.length);
  });

  it('takes as many steps for a longer pattern as for a short one', () => {
    const text = 'a'.repeat(50_000);
    const steps = [10, 10_000].map((length) => stepsOf(compileGlob(`*${'a'.repeat(length)}b*`), text));
    expect(Math.max(...steps)).toBeLessThan(2.1 * Math.min(...steps));
  });
});

describe('a path glob', () => {
  it('says what a regular expression of the same meaning says', () => {
    const segment = fc.constantFrom('a', 'b', '*', '**', '{x}', 'a*', '');
    const joined = (part: fc.Arbitrary<string>) =>
      fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('/'));
    const sources: Readonly<Record<string, string>> = {
      '*': '[^/]+/',
      '{x}': '[^/]+/',
      '**': '(?:[^/]*/)*',
      'a*': 'a[^/]*/',
    };
    fc.assert(
      fc.property(joined(segment), joined(fc.constantFrom('a', 'b', 'ab', 'c', '')), (pattern, text) => {
        const source = pattern.split('/').map((part) => sources[part] ?? `${part}/`);
        expect(compilePathGlob(pattern)(text)).toBe(new RegExp(`^${source.join('')}$`).test(`${text}/`));
      }),
      { numRuns: 2000 },
    );
  });

  it.each(['/**/a/**/a/**/b', '/**/a/a/a/a/b', '/**/*a*a*/b', '/**/{x}/{y}/**/b'])(
    'takes at most the steps of its own length for each character: %s',
    (pattern) => {
      const [one, two] = ['/a'.repeat(25_000), '/a'.repeat(50_000)].map((text) =>
        stepsOf(compilePathGlob(pattern), text),
      );
      expect(two).toBeLessThan(pattern.length * 100_000);
      expect(two).toBeLessThan(2.1 * (one ?? 0));
    },
  );
});
