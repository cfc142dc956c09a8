import fc from 'fast-check';
import { compileLinearRegex } from './linear-regex.ts';
import { MAX_MATCH_WORK, RegexWorkExceeded } from './regex-matcher.ts';

function searchIn(pattern: string, text: string, limit = Infinity): readonly string[] {
  const regex = compileLinearRegex(pattern);
  if (!regex.ok) throw new RangeError(regex.message);
  return regex.search(text, limit).map(({ start, end }) => `${start}-${end}`);
}
const searchedByJavaScript = (pattern: string, text: string): string[] =>
  [...text.matchAll(new RegExp(pattern, 'gu'))].map(({ index, 0: { length } }) => `${index}-${index + length}`);

describe('the search for a regular expression', () => {
  it.each([
    ['b+', 'abbab', ['1-3', '4-5']],
    ['^a', 'aa', ['0-1']],
    ['a$', 'aa', ['1-2']],
    ['a*', 'aab', ['0-2', '2-2', '3-3']],
    ['a|ab', 'ab', ['0-1']],
    ['ab|a', 'ab', ['0-2']],
    ['a.*?c', 'abcc', ['0-3']],
    ['a.*c', 'abcc', ['0-4']],
    ['a{1,2}?', 'aa', ['0-1', '1-2']],
    ['\\bcat\\b', 'cat concat cat', ['0-3', '11-14']],
    ['.', '\u{1F600}a', ['0-2', '2-3']],
    ['', '\u{1F600}', ['0-0', '2-2']],
    ['x', 'abc', []],
  ])('finds %s in %s', (pattern, text, expected) => {
    expect(searchIn(pattern, text)).toEqual(expected);
    expect(searchedByJavaScript(pattern, text)).toEqual(expected);
  });

  it('stops at the limit', () => {
    expect(searchIn('a', 'aaa', 1)).toEqual(['0-1']);
  });

  it('finds what JavaScript finds', () => {
    const atom = fc.constantFrom('a', 'b', '.', '[ab]', '(?:a|ab)', '(?:ab|a)', '(?:b|)', '^', '$', '\\b');
    const part = fc
      .tuple(atom, fc.constantFrom('', '*', '+', '?', '*?', '+?', '??', '{1,2}', '{0,2}?'))
      .map(([body, times]) => (/^(?:\^|\$|\\b)$/.test(body) ? body : body + times));
    const pattern = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join(''));
    const text = fc.array(fc.constantFrom('a', 'b', 'c', ' '), { maxLength: 12 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(pattern, text, (one, other) => {
        expect(searchIn(one, other)).toEqual(searchedByJavaScript(one, other));
      }),
      { numRuns: 3000 },
    );
  });

  it('takes steps linear to the text, and stops where matches look far ahead again and again', () => {
    const regex = compileLinearRegex('(?:x|x)*y');
    if (!regex.ok) throw new RangeError(regex.message);
    const [one, two] = [20_000, 40_000].map((length) => {
      const meter = { steps: 0 };
      regex.search('x'.repeat(length), Infinity, meter);
      return meter.steps;
    });
    expect(two).toBeLessThan(2.1 * (one ?? 0));
    expect(() => searchIn('a.*b|a', 'a'.repeat(MAX_MATCH_WORK / 100))).toThrow(RegexWorkExceeded);
  });
});
