import fc from 'fast-check';
import { compareDecimals } from './decimal.ts';
import {
  areExactlyEqual,
  compactText,
  exactMember,
  exactNames,
  numberText,
  readExactly,
  stringText,
} from './exact-json.ts';

const sign = (value: number): number => Math.sign(value) + 0;

describe('compareDecimals', () => {
  it.each([
    ['1', '1.0', 0],
    ['1', '1e0', 0],
    ['100', '1E+2', 0],
    ['0.01', '1e-2', 0],
    ['0', '-0.00e7', 0],
    ['0', '1e-999999999999999999999', -1],
    ['12345678901234567890', '12345678901234567891', -1],
    ['9007199254740993', '9007199254740992', 1],
    ['-12345678901234567891', '-12345678901234567890', -1],
    ['1.00000000000000000001', '1', 1],
    ['9', '10', -1],
    ['0.9', '0.10', 1],
    ['-1', '1', -1],
    ['-1', '0', -1],
    ['-10', '-9', -1],
    ['1e400', '1e401', -1],
    ['1e99999999999999999999', '2e99999999999999999998', 1],
    ['007', '7', 0],
  ])('%s and %s: %s', (left, right, expected) => {
    expect(sign(compareDecimals(left, right))).toBe(expected);
    expect(sign(compareDecimals(right, left))).toBe(0 - expected);
  });

  it('says of integers what BigInt says, and of doubles what they say themselves', () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.bigInt(), (left, right) => {
        const expected = left === right ? 0 : left < right ? -1 : 1;
        expect(sign(compareDecimals(String(left), String(right)))).toBe(expected);
      }),
    );
    const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(finite, finite, (left, right) => {
        expect(sign(compareDecimals(String(left), String(right)))).toBe(left === right ? 0 : left < right ? -1 : 1);
      }),
    );
  });
});

describe('JSON that keeps the text of its numbers', () => {
  it('finds members whatever they are called, in the order they were written in', () => {
    const value = readExactly('{"b":1.0, "10":"x", "2":null, "__proto__":true, "q\\"\\u0041":[1e2]}');
    expect(exactNames(value)).toEqual(['b', '10', '2', '__proto__', 'q"A']);
    expect(numberText(exactMember(value, 'b') ?? '')).toBe('1.0');
    expect(stringText(exactMember(value, '10') ?? '')).toBe('x');
    expect(exactMember(value, '2')).toBeNull();
    expect(exactMember(value, '__proto__')).toBe(true);
    expect(compactText(exactMember(value, 'q"A') ?? '')).toBe('[1e2]');
    expect(exactMember(value, 'toString')).toBeUndefined();
    expect(exactMember(readExactly('[1]'), '0')).toBeUndefined();
  });

  it('takes no number for a text, and no text for a number', () => {
    const value = readExactly('["1","n1",1,"s1","-2.5e3",""]') as readonly string[];
    expect(value.map(numberText)).toEqual([undefined, undefined, '1', undefined, undefined, undefined]);
    expect(value.map(stringText)).toEqual(['1', 'n1', undefined, 's1', '-2.5e3', '']);
  });

  it('writes what JSON writes, but for the digits', () => {
    expect(compactText(readExactly('{ "a" : [ 12345678901234567890 , 1.50, "\\u00fc 1.0" ] , "b":{} }'))).toBe(
      '{"a":[12345678901234567890,1.50,"ü 1.0"],"b":{}}',
    );
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        expect(compactText(readExactly(text))).toBe(text);
        expect(compactText(readExactly(JSON.stringify(value, null, 2)))).toBe(text);
      }),
    );
  });

  it.each([
    ['{"a":1,"b":[1.0,2]}', '{"b":[1,2e0],"a":1.00}', true],
    ['{"a":12345678901234567890}', '{"a":12345678901234567891}', false],
    ['[1,2]', '[2,1]', false],
    ['[1]', '[1,1]', false],
    ['{"a":1}', '{"a":1,"b":1}', false],
    ['{"a":1}', '{"b":1}', false],
    ['1', '"1"', false],
    ['[]', '{}', false],
    ['null', '{}', false],
    ['null', 'false', false],
  ])('%s and %s are equal: %s', (left, right, expected) => {
    expect(areExactlyEqual(readExactly(left), readExactly(right))).toBe(expected);
    expect(areExactlyEqual(readExactly(right), readExactly(left))).toBe(expected);
  });
});
