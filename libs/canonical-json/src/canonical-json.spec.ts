import fc from 'fast-check';
import { canonicalJson } from './canonical-json.ts';

const reversed = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, member]) => [name, reversed(member)]),
  );
};

describe('canonical JSON', () => {
  it('has its members in order, no blanks, and none that are undefined', () => {
    expect(canonicalJson({ b: [1, { d: 1, c: null }], a: 'x', u: undefined, B: true })).toBe(
      '{"B":true,"a":"x","b":[1,{"c":null,"d":1}]}',
    );
  });

  it('writes what is not there in a list as null, as JSON does', () => {
    expect(canonicalJson([undefined, 1])).toBe('[null,1]');
  });

  it('means the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const plain = JSON.parse(JSON.stringify(value)) as unknown;
        expect(JSON.parse(canonicalJson(plain))).toEqual(plain);
      }),
    );
  });

  it('is one text, in whatever order the members came', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => canonicalJson(value) === canonicalJson(reversed(value))));
  });
});
