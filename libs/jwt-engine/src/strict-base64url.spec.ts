import fc from 'fast-check';
import { decodeBase64Url, decodeBase64UrlBriefly, isBase64Url } from './strict-base64url.ts';
import { MAX_TOKEN_LENGTH } from './token-rules.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** RFC 4648 sections 3.5, 4 and 5, one bit after the other. */
const decodedBitByBit = (text: string): readonly number[] | undefined => {
  const bits: number[] = [];
  for (const character of text.split('')) {
    const value = ALPHABET.indexOf(character);
    if (value < 0) return undefined;
    for (const weight of [32, 16, 8, 4, 2, 1]) bits.push((value & weight) === 0 ? 0 : 1);
  }
  const byteCount = Math.floor(bits.length / 8);
  const spare = bits.slice(byteCount * 8);
  if (spare.length >= 6 || spare.includes(1)) return undefined;
  return Array.from({ length: byteCount }, (_, at) => parseInt(bits.slice(at * 8, at * 8 + 8).join(''), 2));
};

/** Mostly of the alphabet, of any length, with characters that a decoder may skip, translate or cut down to a byte. */
const anyText = fc
  .array(
    fc.oneof(
      { weight: 60, arbitrary: fc.constantFrom(...ALPHABET) },
      { weight: 1, arbitrary: fc.constantFrom(...'+/= \n\t.\u0000\u0080\u00c1\u0141\u0161\u2028\ud83d') },
    ),
    { maxLength: 40 },
  )
  .map((characters) => characters.join(''));

const bytesOf = (bytes: Buffer | undefined): readonly number[] | undefined =>
  bytes === undefined ? undefined : [...bytes];

describe('all three ways of reading base64url', () => {
  it('judge every text as the RFC does, bit by bit', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const expected = decodedBitByBit(text);
        expect(bytesOf(decodeBase64Url(text))).toEqual(expected);
        expect(bytesOf(decodeBase64UrlBriefly(text))).toEqual(expected);
        expect(isBase64Url(text)).toBe(expected !== undefined);
      }),
      { numRuns: 2000 },
    );
  });

  it('judge each last character of one, two and three by its spare bits', () => {
    for (const character of ALPHABET) {
      for (const text of [character, `A${character}`, `AA${character}`, `AAA${character}`]) {
        const expected = decodedBitByBit(text);
        expect(bytesOf(decodeBase64UrlBriefly(text))).toEqual(expected);
        expect(isBase64Url(text)).toBe(expected !== undefined);
      }
    }
  });

  it('refuse a character above 255 at every place, though its low byte is of the alphabet', () => {
    const text = 'Zm9vYmFyYmF6';
    for (let at = 0; at < text.length; at += 1) {
      const twoBytes = text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) + 256) + text.slice(at + 1);
      expect(decodeBase64Url(twoBytes)).toBeUndefined();
      expect(decodeBase64UrlBriefly(twoBytes)).toBeUndefined();
      expect(isBase64Url(twoBytes)).toBe(false);
    }
  });
});

describe('decodeBase64UrlBriefly', () => {
  it('has room for a whole token, and refuses what is longer', () => {
    const longest = 'A'.repeat(MAX_TOKEN_LENGTH);
    expect(decodeBase64UrlBriefly(longest)?.length).toBe((MAX_TOKEN_LENGTH * 3) / 4);
    expect(decodeBase64UrlBriefly(`${longest}AAAA`)).toBeUndefined();
    expect(isBase64Url(`${longest}AAAA`)).toBe(false);
  });

  it('shows nothing of a longer text that was decoded before', () => {
    decodeBase64UrlBriefly('c2VjcmV0IG9mIGFub3RoZXI');
    expect(decodeBase64UrlBriefly('Zm9v')?.toString()).toBe('foo');
  });
});

describe('decodeBase64Url', () => {
  it('reads back whatever bytes were encoded', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(decodeBase64Url(Buffer.from(bytes).toString('base64url'))).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it.each([
    ['padding', 'Zg=='],
    ['the other alphabet', '+/+/'],
    ['spare trailing bits that are set', 'Zh'],
    ['a single character', 'A'],
    ['whitespace', 'Zm9v\n'],
    ['a character that only the low byte of which is in the alphabet', 'Zm9\u0176'],
    ['a character outside the alphabet', 'Zm?v'],
  ])('refuses %s', (_what, text) => {
    expect(decodeBase64Url(text)).toBeUndefined();
    expect(isBase64Url(text)).toBe(false);
  });

  it('accepts no two texts for one value', () => {
    const nearBase64 = fc.string({ unit: fc.constantFrom(...'AZaz09-_+/= \u0141'), maxLength: 6 });
    fc.assert(
      fc.property(nearBase64, (text) => {
        const bytes = decodeBase64Url(text);
        if (bytes !== undefined) expect(bytes.toString('base64url')).toBe(text);
      }),
    );
  });
});
