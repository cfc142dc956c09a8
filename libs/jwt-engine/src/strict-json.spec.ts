import fc from 'fast-check';
import { MAX_JSON_DEPTH, MAX_JSON_VALUES, parseJsonObject } from './strict-json.ts';

const parse = (text: string) => parseJsonObject(Buffer.from(text, 'utf8'));
const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

const anyBlank = fc.constantFrom('', '', '', ' ', '\n', '\t\r ');
const anyName = fc.string({ unit: fc.constantFrom(...'ab":\\{}[],/\u0000\u00e9'), maxLength: 2 });

/** A string as JSON.stringify writes it, or with every character escaped, as RFC 8259 section 7 allows. */
const anySpelling = (text: string): fc.Arbitrary<string> =>
  fc.constantFrom(
    JSON.stringify(text),
    `"${text.replace(/[^]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)}"`,
  );
const anyString = anyName.chain(anySpelling);

const { anyObject } = fc.letrec<{ anyObject: string; anyValue: string }>((tie) => ({
  anyValue: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(anyString, fc.constantFrom('1', '-0.5e+3', 'true', 'null')),
    tie('anyObject'),
    fc.array(tie('anyValue'), { maxLength: 2 }).map((values) => `[${values.join(',')}]`),
  ),
  anyObject: fc
    .array(fc.tuple(anyBlank, anyString, anyBlank, anyBlank, tie('anyValue'), anyBlank), { maxLength: 3 })
    .map((members) => `{${members.map(([a, name, b, c, value, d]) => `${a}${name}${b}:${c}${value}${d}`).join(',')}}`),
}));
const anyDocument = anyObject;

/** Whether this engine takes some escaped names for names of earlier documents: https://github.com/nodejs/node/issues/63785 */
const misreadsNames = ((): boolean => {
  JSON.parse('{"h":[],"\\\\":0}');
  return Object.keys(JSON.parse('{"h":1,"\\"":2}') as object)[1] !== '"';
})();

const TOKEN = /^(?:"(?:[^"\\]|\\.)*"|[^"[\]{}:,\s]+|[[\]{}:,])/;

/** Reads a sound document as slowly as can be, each name by itself; undefined when one of its objects has a name twice. */
const readSlowly = (text: string): unknown => {
  let rest = text;
  let twice = false;
  const next = (): string => {
    rest = rest.trimStart();
    const token = TOKEN.exec(rest)?.[0] ?? '';
    rest = rest.slice(token.length);
    return token;
  };
  const readMembers = (): unknown => {
    const members: [string, unknown][] = [];
    for (let token = next(); token !== '}'; token = next()) {
      if (token === ',') continue;
      const name = JSON.parse(token) as string;
      twice ||= members.some(([other]) => other === name);
      next();
      members.push([name, readValue(next())]);
    }
    return Object.fromEntries(members);
  };
  const readItems = (): unknown => {
    const items: unknown[] = [];
    for (let token = next(); token !== ']'; token = next()) if (token !== ',') items.push(readValue(token));
    return items;
  };
  const readValue = (token: string): unknown => {
    if (token === '{') return readMembers();
    return token === '[' ? readItems() : (JSON.parse(token) as unknown);
  };
  const value = readValue(next());
  return twice ? undefined : value;
};

describe('parseJsonObject', () => {
  it('reads every JSON object as JSON.parse does and keeps its text', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 })), (value) => {
        const text = JSON.stringify(value, undefined, 1);
        const right = { value: readSlowly(text), text };
        expect(misreadsNames ? [right, undefined] : [right]).toContainEqual(parse(text));
      }),
    );
  });

  it.each([
    ['an array', '[{"a":1}]'],
    ['a string', '"a"'],
    ['a number', '1'],
    ['null', 'null'],
    ['nothing', ''],
    ['text behind the object', '{} {}'],
    ['an unfinished string', '{"a":"'],
    ['an unfinished escape', '{"a":"\\'],
    ['a byte order mark', '\ufeff{}'],
  ])('refuses %s', (_what, text) => {
    expect(parse(text)).toBeUndefined();
  });

  it.each([
    ['an overlong sequence', [0x7b, 0x22, 0xc0, 0xa2, 0x22, 0x3a, 0x31, 0x7d]],
    ['a lone continuation byte', [0x7b, 0x22, 0x80, 0x22, 0x3a, 0x31, 0x7d]],
    ['an encoded surrogate', [0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x31, 0x7d]],
  ])('refuses UTF-8 with %s', (_what, bytes) => {
    expect(parseJsonObject(Buffer.from(bytes))).toBeUndefined();
  });

  it.each([
    ['at the top', '{"a":1,"a":1}'],
    ['inside an object', '{"o":{"a":1,"b":2,"a":3}}'],
    ['inside an array', '{"l":[{"a":1,"a":2}]}'],
    ['in another spelling', '{"alg":1,"\\u0061lg":2}'],
    ['that is __proto__', '{"__proto__":1,"__proto__":2}'],
    ['whose first value had members of its own', '{"a":{"x":1,"y":2},"a":3}'],
    ['that is empty', '{"":1,"":2}'],
  ])('refuses a member name repeated %s', (_what, text) => {
    expect(parse(text)).toBeUndefined();
  });

  it('refuses an object as soon as any one of its members is written twice', () => {
    const withoutEscapes = fc.string({ unit: fc.constantFrom(...'ab:{}[],/\u00e9') });
    const names = fc.uniqueArray(withoutEscapes, { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(names, fc.nat(), fc.jsonValue(), (unique, which, value) => {
        const members = [...unique, unique[which % unique.length]].map(
          (name) => `${JSON.stringify(name)}:${JSON.stringify(value)}`,
        );
        expect(parse(`{${members.slice(0, -1).join(',')}}`)).toBeDefined();
        expect(parse(`{${members.join(',')}}`)).toBeUndefined();
      }),
    );
  });

  it('is not misled by colons, braces and quotes inside strings', () => {
    expect(parse('{"a:{":"}:\\":[{","b\\\\":":"}')?.value).toEqual({ 'a:{': '}:":[{', 'b\\': ':' });
  });

  it('takes the same name in different objects', () => {
    expect(parse('{"a":{"a":[{"a":1},{"a":2}]}}')?.value).toEqual({ a: { a: [{ a: 1 }, { a: 2 }] } });
  });

  it('makes __proto__ an ordinary member and leaves prototypes alone', () => {
    const value = parse('{"__proto__":{"polluted":true}}')?.value;
    expect(Object.keys(value ?? {})).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('refuses nesting beyond the limit, however deep, without running out of stack', () => {
    expect(parse(nested(MAX_JSON_DEPTH))).toBeDefined();
    expect(parse(nested(MAX_JSON_DEPTH + 1))).toBeUndefined();
    expect(parse(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)).toBeUndefined();
  });

  it.each([
    ['objects', '{}'],
    ['arrays', '[]'],
  ])('refuses more %s than the limit', (_what, value) => {
    // Each but the first has a comma before it; two brackets are around all of them.
    const withValues = (count: number): string => `{"a":[${Array<string>(count).fill(value).join(',')}]}`;
    expect(parse(withValues(MAX_JSON_VALUES / 2 - 1))).toBeDefined();
    expect(parse(withValues(MAX_JSON_VALUES / 2))).toBeUndefined();
  });

  it('refuses more values than the limit, and counts none in a string', () => {
    const withNumbers = (count: number): string => `{"a":[${Array<number>(count).fill(1).join(',')}]}`;
    expect(parse(withNumbers(MAX_JSON_VALUES - 1))).toBeDefined();
    expect(parse(withNumbers(MAX_JSON_VALUES))).toBeUndefined();
    expect(parse(`{"a":"${',[{'.repeat(MAX_JSON_VALUES)}"}`)).toBeDefined();
  });

  it('finds every repetition and no other, however names and values are spelt', () => {
    fc.assert(
      fc.property(anyDocument, (text) => {
        const right = readSlowly(text);
        expect(misreadsNames ? [right, undefined] : [right]).toContainEqual(parse(text)?.value);
      }),
      { numRuns: 1000 },
    );
  });

  it('finds a repetition that an earlier document has hidden from the engine, and refuses what the engine misreads', () => {
    JSON.parse('{"iss":[],"\\\\u0":0}');
    expect(parse('{"iss":1,"\\u0069ss":2}')).toBeUndefined();
    JSON.parse('{"iss":[],"\\\\u0":0}');
    expect(parse('{"iss":1,"\\u0061ud":2}')?.value).toEqual(misreadsNames ? undefined : { iss: 1, aud: 2 });
  });

  it('leaves the stack traces of everybody else as they were, also when it refuses', () => {
    const usual = Error.stackTraceLimit;
    Error.stackTraceLimit = 7;
    try {
      for (const text of ['{}', '{', '{"a":1}x']) {
        parse(text);
        expect(Error.stackTraceLimit).toBe(7);
      }
    } finally {
      Error.stackTraceLimit = usual;
    }
  });
});
