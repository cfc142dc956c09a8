import fc from 'fast-check';
import { decodeBase64Url } from './strict-base64url.ts';

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
