import fc from 'fast-check';
import type { VariableValue } from '../exchange/variable-source.ts';
import { MAX_VARIABLE_PATH_PATTERN_LENGTH } from './condition-patterns.ts';
import { parseCondition } from './parse-condition.ts';

const VARIABLES: Readonly<Record<string, VariableValue>> = {
  'request.verb': 'GET',
  'proxy.pathsuffix': '/animals/cats/wild',
  'jwt.my-policy.valid': false,
  'JWT.failed': true,
  text: 'true',
  one: 1,
  oneText: '1',
  empty: '',
  list: ['a', 'b'],
  'odd=name': 'odd',
  big: { number: 12345678901234567000, text: '12345678901234567890' },
  precise: { number: 1, text: '1.0' },
};

function holds(text: string, variables: Readonly<Record<string, VariableValue>> = VARIABLES): boolean {
  const parsed = parseCondition(text);
  if (!parsed.ok) throw new RangeError(`${parsed.message} at ${parsed.position}`);
  return parsed.evaluate((name) => variables[name]);
}

describe('the condition language', () => {
  it.each([
    ['request.verb = "GET"', true],
    ['request.verb == "GET"', true],
    ['request.verb Equals "GET"', true],
    ['request.verb Is "get"', false],
    ['request.verb EQUALS "GET"', true],
    ['request.verb is not_a_variable', false],
    ['not false AND Not false And NOT false', true],
    ['false OR false Or true', true],
    ['request.verb isnot "GET"', false],
    ['request.verb like "G*"', true],
    ['request.verb matchespath "G*"', true],
    ['request.verb javaregex "G.T"', true],
    ['request.verb STARTSWITH "G"', true],
    ['request.verb equalscaseinsensitive "gEt"', true],
    ['one greaterthanorequals 1 and one lesserthanorequals 1', true],
    ['request.verb != "GET"', false],
    ['request.verb NotEquals "POST"', true],
    ['request.verb IsNot "POST"', true],
    ['request.verb := "get"', true],
    ['request.verb EqualsCaseInsensitive "get"', true],
    ['one > 0', true],
    ['one GreaterThan 1', false],
    ['one >= 1', true],
    ['one GreaterThanOrEquals 2', false],
    ['one < 2', true],
    ['one LesserThan 1', false],
    ['one <= 1', true],
    ['one LesserThanOrEquals 0.5', false],
    ['request.verb =| "GE"', true],
    ['request.verb StartsWith "E"', false],
    ['request.verb ~ "G*"', true],
    ['request.verb Matches "*T"', true],
    ['request.verb Like "G%*"', false],
    ['request.verb ~~ "(?:GET|PUT)"', true],
    ['request.verb JavaRegex "GE"', false],
    ['proxy.pathsuffix ~/ "/animals/**"', true],
    ['proxy.pathsuffix MatchesPath "/animals/*"', false],
    ['proxy.pathsuffix LikePath "/animals/{kind}/wild"', true],
    ['proxy.pathsuffix MatchesPath "/animals/*/*"', true],
    ['! false', true],
    ['not JWT.failed', false],
    ['JWT.failed', true],
    ['request.verb', false],
    ['text', true],
  ])('%s is %s', (text, expected) => {
    expect(holds(text)).toBe(expected);
  });

  it.each([
    ['jwt.my-policy.valid is false', true],
    ['jwt.my-policy.valid == false', true],
    ['jwt.my-policy.valid = "false"', true],
    ['JWT.failed = true', true],
    ['JWT.failed == "true"', true],
    ['JWT.failed Equals true', true],
    ['one = "1"', true],
    ['oneText = 1', true],
    ['oneText = 1.0', false],
    ['one = 1.0', true],
    ['one = 1f', true],
    ['one = true', true],
    ['list = "[a, b]"', true],
    ['oneText = one', true],
    ['big = 12345678901234567890', true],
    ['big = 12345678901234567891', false],
    ['big < 12345678901234567891', true],
    ['big >= 12345678901234567890', true],
    ['big = "12345678901234567890"', true],
    ['big > 1', true],
    ['big > true', true],
    ['precise = 1', true],
    ['precise = 1.00', true],
    ['precise = "1"', false],
    ['precise = "1.0"', true],
    ['precise = one', true],
    ['precise = true', true],
    ['one = 1d', true],
    ['one = 1L', true],
    ['one = 1.0F', true],
    ['one = -1', false],
    ['one > "0.5"', true],
    ['one > "10"', false],
    ['text = TRUE', true],
    ['JWT.failed = "TRUE"', false],
    ['JWT.failed := "TRUE"', true],
    ['false < true', true],
    ['request.verb = missing', false],
    ['missing = null', true],
    ['missing = ""', false],
    ['empty = ""', true],
    ['empty = null', false],
    ['missing = "null"', false],
  ])('%s compares across types: %s', (text, expected) => {
    expect(holds(text)).toBe(expected);
  });

  it('puts not before comparisons, comparisons before and, and before or', () => {
    expect(holds('true or true and false')).toBe(true);
    expect(holds('(true or true) and false')).toBe(false);
    expect(holds('not false and false')).toBe(false);
    expect(holds('not (false and false)')).toBe(true);
    expect(holds('! false = true')).toBe(true);
    expect(holds('true && !false || false')).toBe(true);
  });

  // verify-jwt.md part 10, with the documented deviation for `>`.
  it.each([
    ['=', false, false, true],
    ['==', false, false, true],
    [':=', false, false, true],
    ['!=', true, true, false],
    ['>', false, true, false],
    ['>=', false, true, true],
    ['<', true, false, false],
    ['<=', true, false, true],
    ['=|', false, false, false],
    ['~', false, false, false],
    ['~/', false, false, false],
  ])('null %s: left null is %s, right null is %s, both null is %s', (operator, left, right, both) => {
    expect(holds(`missing ${operator} "x"`)).toBe(left);
    expect(holds(`request.verb ${operator} missing`)).toBe(right);
    expect(holds(`missing ${operator} null`)).toBe(both);
  });

  it('has no regular expression match on null', () => {
    expect(holds('missing ~~ ".*"')).toBe(false);
    expect(holds('request.verb Like missing or missing LikePath missing or missing StartsWith missing')).toBe(false);
  });
});

describe('tolerance for conditions as they are found', () => {
  it.each([
    '1=1',
    'JWT.failed=true',
    'request.verb="GET"',
    '(proxy.pathsuffix MatchesPath "/**")and (request.verb = "GET")',
    'request.verb = "GET"AND one = 1',
    'NOT(request.verb = "PUT")',
    'not(request.verb = "PUT")',
    '!(request.verb = "PUT")',
    'request.verb = "PUT"\n  Or\r\n\tone = 1',
    '\'odd=name\' = "odd"',
    '  request.verb  ==  "GET"  ',
    'not(request.verb="PUT")and(one=1)',
    '(request.verb~"G*")AND!(one=2)||false',
    'NOT (missing Is null) or NOT(one=2)',
    "'jwt.my-policy.valid'=false",
  ])('%j holds', (text) => {
    expect(holds(text)).toBe(true);
  });

  it('accepts missing closing parentheses at the end, with a warning', () => {
    const parsed = parseCondition('((request.verb = "GET") and (one = 1) and (missing Is null)');
    expect(parsed).toMatchObject({ ok: true, warnings: ['a closing parenthesis is missing at the end'] });
    expect(holds('((request.verb = "GET") and (missing Is null)')).toBe(true);
  });

  it('lists every variable once', () => {
    const parsed = parseCondition('a = b.c and (a != "x" or \'d e\' ~ "y")');
    expect(parsed).toMatchObject({ ok: true, variables: ['a', 'b.c', 'd e'] });
  });
});

describe('conditions that cannot be read', () => {
  it.each([
    ['', 0, /value is missing/],
    ['   ', 3, /value is missing/],
    ['a =', 3, /value is missing/],
    ['= a', 0, /value is missing/],
    ['a b', 2, /operator is missing/],
    ['a = b = c', 6, /operator is missing/],
    ['(a = b))', 7, /operator is missing/],
    ['(a b)', 3, /parenthesis is missing/],
    ['a = "x', 4, /quote is not closed/],
    ['a | b', 2, /unknown operator/],
    ['a ~~ b', 5, /written in the condition/],
    ['a ~~ "("', 6, /in the regular expression, a group is not closed/],
    ['('.repeat(5000), 64, /nests too deep/],
    ['!'.repeat(5000), 64, /nests too deep/],
  ])('%# is refused with its position', (text, position, message) => {
    const parsed = parseCondition(text);
    expect(parsed).toMatchObject({ ok: false, message: expect.stringMatching(message) as string });
    expect(parsed.ok ? -1 : Math.abs(parsed.position - position)).toBeLessThan(3);
  });

  it('never throws, whatever the text, and points into it', () => {
    const check = (text: string): void => {
      const parsed = parseCondition(text);
      if (parsed.ok) parsed.evaluate(() => 'text');
      else expect(parsed.position >= 0 && parsed.position <= text.length).toBe(true);
    };
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 40 }), check), { numRuns: 500 });
    const word = fc.constantFrom(
      'a',
      '"x"',
      '"(x"',
      '~~',
      '~',
      '=|',
      '(',
      ')',
      'and',
      'NOT',
      '1.0f',
      "'b",
      ' ',
      '\n',
      'null',
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 20 }), (words) => {
        check(words.join(' '));
        check(words.join(''));
      }),
      { numRuns: 2000 },
    );
  });

  it('never throws and always ends', () => {
    const pieces = [
      '(',
      ')',
      '!',
      'not',
      ' and ',
      '||',
      '=',
      '~',
      '~~',
      '~/',
      '"*"',
      "'",
      '"',
      'a.b',
      '1',
      'null',
      ':=',
      ' ',
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 30 }), (parts) => {
        const parsed = parseCondition(parts.join(''));
        if (parsed.ok) parsed.evaluate(() => 'text');
      }),
    );
  });
});

describe('patterns', () => {
  const matches = (operator: string, pattern: string, value: string) =>
    holds(`v ${operator} "${pattern}"`, { v: value });

  it.each([
    ['*', '', true],
    ['a*c', 'abbbc', true],
    ['a*c', 'abbb', false],
    ['a%*c', 'a*c', true],
    ['a%*c', 'abc', false],
    ['a.c', 'abc', false],
    ['*a*b*', 'xxaxxbxx', true],
  ])('glob %s on %j: %s', (pattern, value, expected) => {
    expect(matches('~', pattern, value)).toBe(expected);
  });

  it.each([
    ['/a/**', '/a/b/c', true],
    ['/a/**', '/a', true],
    ['/**/c', '/a/b/c', true],
    ['/a/*', '/a/b', true],
    ['/a/*', '/a/', false],
    ['/a/*', '/a/b/c', false],
    ['/a/{id}/c', '/a/7/c', true],
    ['/a*/c', '/abc/c', true],
    ['/a*/c', '/a/b/c', false],
    ['/a', '/a/', false],
  ])('path %s on %s: %s', (pattern, value, expected) => {
    expect(matches('~/', pattern, value)).toBe(expected);
  });

  it.each([
    ['(?i)bearer .*', 'BEARER x', true],
    ['[\\w\\-]+@example\\.org', 'a-b@example.org', true],
    ['a\\@b', 'a@b', true],
    ['a|b', 'ab', false],
  ])('Java regex %s on %s: %s', (pattern, value, expected) => {
    expect(matches('~~', pattern, value)).toBe(expected);
  });

  it('runs a regular expression on a value of any length', () => {
    expect(matches('~~', '(x|x)*', 'x'.repeat(100_000))).toBe(true);
    expect(matches('~~', '(x|x)*', `${'x'.repeat(100_000)}!`)).toBe(false);
  });

  it.each([
    ['a JavaRegex "b(?=c)"', 14, 'in the regular expression, a lookaround is not supported'],
    ['a ~~"(b)\\1"', 8, 'in the regular expression, a back-reference is not supported'],
  ])('%s is refused at the character that is not supported', (text, position, message) => {
    expect(parseCondition(text)).toEqual({ ok: false, message, position });
  });

  it('take a pattern from a variable, a path pattern only up to a length', () => {
    const longest = `/${'a'.repeat(MAX_VARIABLE_PATH_PATTERN_LENGTH - 1)}`;
    expect(holds('v ~ p', { v: 'x'.repeat(5000), p: `${'x'.repeat(4999)}*` })).toBe(true);
    expect(holds('v ~/ p', { v: longest, p: longest })).toBe(true);
    expect(holds('v ~/ p', { v: `${longest}a`, p: `${longest}a` })).toBe(false);
    expect(holds(`v ~/ "${longest}a"`, { v: `${longest}a` })).toBe(true);
  });

  it('takes a glob with many wildcards in its stride', () => {
    const value = 'a'.repeat(2000);
    expect(matches('~', `${'*a'.repeat(60)}*b`, value)).toBe(false);
  });
});
