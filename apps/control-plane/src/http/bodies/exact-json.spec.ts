import fc from 'fast-check';
import { DomainError } from '../../decider/domain-error.ts';
import { DEEPEST_NESTING, parseExactJson } from './exact-json.ts';
import { RefusedRequest } from '../refused-request.ts';

function faultsOf(text: string): string[] {
  try {
    parseExactJson(text);
    return [];
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return error.faults.map(({ field, code }) => `${field} ${code}`);
  }
}

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

describe('exact JSON', () => {
  it('is what JSON.parse makes of it, whatever it is', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5, noUnicodeString: false }), (text) => {
        const value = JSON.parse(text) as unknown;
        // What JSON.stringify wrote once more has no member twice.
        const canonical = JSON.stringify(value);
        fc.pre(!canonical.includes('__proto__'));
        try {
          expect(parseExactJson(canonical)).toEqual(value);
        } catch (error) {
          if (!(error instanceof DomainError)) throw error;
          expect(error.faults.every(({ code }) => code === 'inexact_number' || code === 'invalid')).toBe(true);
        }
      }),
    );
  });

  it.each([
    ['{"a":1,"b":{"a":1},"c":[{"a":1},{"a":2}]}', []],
    ['{"a":1,"b":2,"a":1}', ['a duplicate_member']],
    ['{"a":1,"\\u0061":2}', ['a duplicate_member']],
    ['{"a":[{},{"b":{"c":1,"c":2}}],"a":"x"}', ['a[1].b.c duplicate_member', 'a duplicate_member']],
    ['{"a":"\\",\\"a\\":1"}', []],
    ['{"":1,"":2}', ['"" duplicate_member']],
  ])('has no member twice: %s', (text, faults) => {
    expect(faultsOf(text)).toEqual(faults);
  });

  it.each([
    ...['0', '-0', '0.0', '1e0', '0e999', '1.50', '0.1', '1e3', '100e-2', '15e-1', '9007199254740991'],
    ...['-9007199254740991', '9.007199254740991e15', '0.30000000000000004', '1.000', '12345678901234567e-5'],
  ])('keeps the number %s', (literal) => {
    expect(faultsOf(`{"n":${literal}}`)).toEqual([]);
  });

  it.each([
    ...['9007199254740993', '9007199254740992', '-9007199254740993', '1e400', '-1e400', '1e-400', '1e16'],
    ...['1.00000000000000000001', '4503599627370497.5', '0.99999999999999999999', '123456789012345678901234567890'],
  ])('refuses the number %s, naming its field', (literal) => {
    expect(faultsOf(`{"n":${literal}}`)).toEqual(['n inexact_number']);
    expect(faultsOf(`[{},${literal}]`)).toEqual(['[1] inexact_number']);
    expect(faultsOf(literal)).toEqual(['body inexact_number']);
  });

  it.each([
    ['{"a":"x\\u0000y"}', ['a invalid']],
    ['{"a":["\\ud800"]}', ['a[0] invalid']],
    ['{"a":"\\ude00\\ud83d"}', ['a invalid']],
    ['{"a":"\\ud83d\\ude00","b":"\\\\u0000"}', []],
  ])('holds no text that cannot be stored: %s', (text, faults) => {
    expect(faultsOf(text)).toEqual(faults);
  });

  it('names every fault, and no more than somebody could read', () => {
    expect(faultsOf('{"a":1e400,"b":"\\u0000","a":2}')).toEqual([
      'a inexact_number',
      'b invalid',
      'a duplicate_member',
    ]);
    expect(faultsOf(`[${Array.from({ length: 5_000 }, () => '1e400').join(',')}]`)).toHaveLength(100);
    expect(faultsOf(`{"${'n'.repeat(5_000)}":1e400}`)).toEqual([`${'n'.repeat(100)}… inexact_number`]);
  });

  it.each([
    ...[
      '{',
      '',
      '{"a":1}}',
      '{"a":1,}',
      "{'a':1}",
      'NaN',
      '[1 2]',
      '{"__proto__":1}',
      '[{"a":{"\\u005f_proto__":{}}}]',
    ],
    ...['{"constructor":{"prototype":{}}}', nested(DEEPEST_NESTING + 1), nested(100_000), '['.repeat(100_000)],
  ])('is refused as a whole when it is not JSON or hostile: %.40s', (text) => {
    expect(() => parseExactJson(text)).toThrow(RefusedRequest);
  });

  it('shows where a member without a name is', () => {
    expect(faultsOf('{"a":{"":"\\u0000"},"":[1,1e400]}')).toEqual(['a."" invalid', '""[1] inexact_number']);
  });

  it('may nest as deep as it says, and have a member of a harmless name', () => {
    expect(faultsOf(nested(DEEPEST_NESTING))).toEqual([]);
    expect(faultsOf('{"prototype":1,"constructor":1}')).toEqual([]);
  });
});
