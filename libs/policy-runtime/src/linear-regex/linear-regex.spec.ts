import { createContext, runInContext } from 'node:vm';
import fc from 'fast-check';
import { compileLinearRegex } from './linear-regex.ts';
import { MAX_REGEX_SIZE } from './parse-regex.ts';
import { MAX_MATCH_WORK, RegexWorkExceeded } from './regex-matcher.ts';

function matches(pattern: string, text: string): boolean {
  const regex = compileLinearRegex(pattern);
  if (!regex.ok) throw new RangeError(`${regex.message} at ${regex.position}`);
  return regex.matches(text);
}

function stepsOf(pattern: string, text: string): number {
  const regex = compileLinearRegex(pattern);
  if (!regex.ok) throw new RangeError(`${regex.message} at ${regex.position}`);
  const meter = { steps: 0 };
  regex.matches(text, meter);
  return meter.steps;
}

const refusalOf = (pattern: string): string => {
  const regex = compileLinearRegex(pattern);
  return regex.ok ? 'taken' : `${regex.position} ${regex.message}`;
};

describe('a linear regular expression', () => {
  it.each([
    ['', '', true],
    ['', 'a', false],
    ['a|b', 'ab', false],
    ['a||b', '', true],
    ['(?:GET|PUT)', 'PUT', true],
    ['(?<verb>GET)x', 'GETx', true],
    ['Bearer .+', 'Bearer ', false],
    ['a.c', 'a\nc', false],
    ['(?s)a.c', 'a\nc', true],
    ['a.c', 'a😀c', true],
    ['(?i)bEARER [é]', 'Bearer é', true],
    ['(?i)é', 'É', false],
    ['(?is)[^x].', 'X\n', false],
    ['(?i)k', '\u212a', false],
    ['[\\w\\-]+@example\\.org', 'a-b@example.org', true],
    ['[\\w-.]+', 'a-b.c', true],
    ['[]a]', 'a', 'a character class is empty'],
    ['[a-c^-]+', 'b^-', true],
    ['[^\\d\\s]+', 'ab-', true],
    ['[^\\d\\s]+', 'a1', false],
    ['a\\@b', 'a@b', true],
    ['\\x41\\u0042\\x{1F600}\\t', 'AB😀\t', true],
    ['\\Aa\\z', 'a', true],
    ['a]}', 'a]}', true],
    ['a{2}', 'aa', true],
    ['a{2,}', 'a', false],
    ['a{2,3}', 'aaaa', false],
    ['(ab?){0,2}c', 'abac', true],
    ['.*?\\bcat\\b.*', 'a cat.', true],
    ['.*\\bcat\\b.*', 'concat', false],
    ['.*a\\Bb.*', 'ab', true],
    ['(a*)*', 'aaa', true],
    ['(a|^)*b', 'aab', true],
    ['a^b', 'ab', false],
    ['a$|b', 'a', true],
  ] as const)('%s on %j: %s', (pattern, text, expected) => {
    if (typeof expected === 'boolean') expect(matches(pattern, text)).toBe(expected);
    else expect(refusalOf(pattern)).toContain(expected);
  });

  it('answers the same however often it is asked', () => {
    const regex = compileLinearRegex('(?:a|b)*a(?:a|b){9}');
    if (!regex.ok) throw new RangeError(regex.message);
    const texts = Array.from({ length: 2000 }, (_, number) =>
      number.toString(2).replaceAll('0', 'a').replaceAll('1', 'b'),
    );
    for (const text of [...texts, ...texts]) expect(regex.matches(text)).toBe(text.at(-10) === 'a');
  });
});

describe('what cannot be matched in linear time, or is not known', () => {
  it.each([
    ['(a)\\1', '3 a back-reference is not supported'],
    ['(?<n>a)\\k<n>', '7 a back-reference is not supported'],
    ['x(?=a)', '1 a lookaround is not supported'],
    ['x(?!a)', '1 a lookaround is not supported'],
    ['(?<=a)x', '0 a lookaround is not supported'],
    ['(?<!a)x', '0 a lookaround is not supported'],
    ['(?>a)', '0 an atomic group is not supported'],
    ['ab(?i)', '2 this kind of group is not supported; the flags (?i) and (?s) stand at the beginning'],
    ['a*+', '2 a possessive repetition is not supported'],
    ['a\\p{L}', '1 the escape \\p is not supported'],
    ['\\Qa\\E', '0 the escape \\Q is not supported'],
    ['\\x4', '0 the escape \\x is not supported'],
    ['\\ud800', '0 the escape names no character'],
    ['[\\b]', '1 the escape \\b is not supported'],
    ['[a[b]]', '2 a class inside a class is not supported: write \\['],
    ['[a&&b]', '2 an intersection of classes is not supported'],
    ['[]', '0 a character class is empty: write \\] for a bracket'],
    ['[a', '2 a character class is not closed'],
    ['[z-a]', '1 the range in a character class is not valid'],
    ['[a-\\d]', '1 the range in a character class is not valid'],
    ['(a', '0 a group is not closed'],
    ['a)', '1 a parenthesis is closed that was not opened'],
    ['*', '0 there is nothing to repeat'],
    ['a**', '2 there is nothing to repeat'],
    ['^*', '1 there is nothing to repeat'],
    ['a{2}{3}', '4 there is nothing to repeat'],
    ['a{x}', '1 the counts of a repetition are not valid: write \\{ for a brace'],
    ['a{3,2}', '1 the counts of a repetition are out of order'],
    ['a\\', '2 the expression ends too early'],
    [`${'('.repeat(65)}a${')'.repeat(65)}`, '64 the groups nest too deep'],
  ])('%s is refused', (pattern, expected) => {
    expect(refusalOf(pattern)).toBe(expected);
  });

  it.each(['a{9999}', '((a{30}){30}){30}', '(((){500}){500}){500}', 'a'.repeat(MAX_REGEX_SIZE + 1), '|'.repeat(500)])(
    'are too many instructions: expression %#',
    (pattern) => {
      expect(refusalOf(pattern)).toMatch(/^\d+ the expression is too large, its repetitions counted$/);
    },
  );
});

const referee = createContext({});
/** RegExp needs exponential time for some of these patterns, which is why it is not used: such a case is let go. */
const REFEREE_TIMEOUT_MS = 200;

/** What RegExp says of each text, '1' or '0'; undefined when it does not come to an end. */
function refereeAnswers(question: { source: string; flags: string; texts: readonly string[] }): string | undefined {
  Object.assign(referee, question);
  const script = `texts.map((text) => (new RegExp(source, flags).test(text) ? '1' : '0')).join('')`;
  try {
    return runInContext(script, referee, { timeout: REFEREE_TIMEOUT_MS }) as string;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return undefined;
    throw error;
  }
}

describe('beside RegExp', () => {
  const { pattern } = fc.letrec<{ pattern: string; term: string; atom: string }>((tie) => ({
    atom: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom(...['a', 'b', '_', '1', '-', '.', '😀', '\\.', '\\d', '\\D', '\\w', '\\W', '\\s', '\\S']),
      fc.constantFrom(...['[ab]', '[^a]', '[a-c1]', '[^\\w-]', '[\\s.-]', '[^\\D]', '[😀é]']),
      tie('pattern').map((inner) => `(?:${inner})`),
      tie('pattern').map((inner) => `(${inner})`),
    ),
    term: fc.oneof(
      { weight: 1, arbitrary: fc.constantFrom('^', '$', '\\b', '\\B') },
      {
        weight: 8,
        arbitrary: fc
          .tuple(tie('atom'), fc.constantFrom('', '', '?', '*', '+', '*?', '{0}', '{2}', '{1,}', '{0,2}', '{1,3}?'))
          .map((parts) => parts.join('')),
      },
    ),
    pattern: fc
      .array(fc.array(tie('term'), { maxLength: 3 }), { minLength: 1, maxLength: 3 })
      .map((options) => options.map((terms) => terms.join('')).join('|')),
  }));
  const text = fc
    .array(fc.constantFrom('a', 'b', 'c', 'A', '1', '_', '-', '.', ' ', '\n', '😀', 'é'), { maxLength: 7 })
    .map((characters) => characters.join(''));

  it('says the same of every small text', () => {
    fc.assert(
      fc.property(
        pattern,
        fc.constantFrom('', 'i', 's', 'is'),
        fc.array(text, { minLength: 8 }),
        (rest, flags, texts) => {
          const regex = compileLinearRegex(flags === '' ? rest : `(?${flags})${rest}`);
          fc.pre(regex.ok || !regex.message.includes('too large'));
          const expected = refereeAnswers({ source: `^(?:${rest})$`, flags: `u${flags}`, texts });
          fc.pre(expected !== undefined);
          const answers = texts.map((one) => [one, regex.ok && regex.matches(one)]);
          expect(answers).toEqual(texts.map((one, index) => [one, expected?.[index] === '1']));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('reads any text without breaking', () => {
    const pieces = [
      'a',
      '(',
      ')',
      '[',
      ']',
      '{',
      '}',
      '1',
      ',',
      '|',
      '*',
      '+',
      '?',
      '\\',
      '^',
      '$',
      '-',
      ':',
      '&',
      'x',
      'd',
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 20 }), text, (parts, value) => {
        const regex = compileLinearRegex(parts.join(''));
        if (regex.ok) regex.matches(value);
        else expect(regex.position).toBeLessThanOrEqual(parts.join('').length);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('the steps of a match', () => {
  const LENGTH = 100_000;
  const many = 'a'.repeat(LENGTH);

  it.each([
    ['(a|a)+', `${many}!`],
    ['(a*)*b', many],
    ['.*.*.*.*x', many],
    ['(a+)+$', `${many}!`],
    ['(\\w+\\s?)*\\b!', `${many} `],
    ['([a-z]+)*[A-Z]|(a?){50}a{50}', many],
  ])('of %s are few for each character', (pattern, text) => {
    const steps = stepsOf(pattern, text);
    expect(steps).toBeGreaterThanOrEqual(LENGTH);
    expect(steps).toBeLessThan(2 * LENGTH);
  });

  /** Letters in no order, which lead `.*a.{40}c` to new sets of instructions all the time. */
  function hostileText(length: number): string {
    let seed = 1;
    const next = (): string => ((seed = (seed * 48_271) % 2_147_483_647) & 64 ? 'a' : 'b');
    return Array.from({ length }, next).join('');
  }

  it('are bounded by the expression’s size where a text meets new sets of instructions all the time', () => {
    const text = hostileText(20_000);
    const steps = stepsOf('.*a.{40}c', text);
    const size = 50;
    expect(steps).toBeGreaterThan(10 * text.length);
    expect(steps).toBeLessThan(5 * size * text.length);
  });

  it('end a match that takes too many, without an answer, and leave the expression as it was', () => {
    const regex = compileLinearRegex('.*a.{400}c');
    if (!regex.ok) throw new RangeError(regex.message);
    const meter = { steps: 0 };
    const text = hostileText(LENGTH);
    expect(() => regex.matches(text, meter)).toThrow(new RegexWorkExceeded());
    expect(meter.steps).toBeLessThan(1.01 * MAX_MATCH_WORK + LENGTH);
    expect(regex.matches(`${text.slice(-10_000)}a${'b'.repeat(400)}c`)).toBe(true);
  });

  it('grow with the text, not with its square', () => {
    for (const pattern of ['(a|a)+', '(a*)*b', '.*.*.*.*x', '.*a.{40}c']) {
      const [one, two] = [stepsOf(pattern, many.slice(0, 10_000)), stepsOf(pattern, many.slice(0, 20_000))];
      expect(two).toBeLessThan(2.1 * one);
    }
  });
});
