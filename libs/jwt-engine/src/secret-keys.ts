import { createSecretKey, type KeyObject } from 'node:crypto';
import { type JwtRefusal, refusal } from './jwt-refusal.ts';

/** How a secret is written down. `base16` is another name for `hex`. */
export type SecretEncoding = 'utf8' | 'hex' | 'base16' | 'base64' | 'base64url';

/** Padding may be left out, but not miscounted; spare trailing bits do no harm in a secret. */
const decodeBase64 = (text: string, alphabet: RegExp): Buffer | undefined => {
  const bare = text.replace(/={1,2}$/, '');
  const isPaddingSound = bare.length === text.length || text.length % 4 === 0;
  return alphabet.test(bare) && bare.length % 4 !== 1 && isPaddingSound ? Buffer.from(bare, 'base64') : undefined;
};

const decodeHex = (text: string): Buffer | undefined => {
  const digits = text.replace(/\s/g, '');
  return /^(?:[0-9a-f]{2})+$/i.test(digits) ? Buffer.from(digits, 'hex') : undefined;
};

const DECODERS: Readonly<Record<SecretEncoding, (text: string) => Buffer | undefined>> = {
  utf8: (text) => Buffer.from(text, 'utf8'),
  hex: decodeHex,
  base16: decodeHex,
  base64: (text) => decodeBase64(text, /^[A-Za-z0-9+/]*$/),
  base64url: (text) => decodeBase64(text, /^[A-Za-z0-9_-]*$/),
};

/**
 * Reads a secret of any length (`checkKeyFor` judges that): hex in any case with whitespace, base64 of either
 * alphabet without whitespace and with or without padding. `InvalidSecretKey` when it is empty or cannot be decoded.
 */
export const secretKeyFrom = (text: string, encoding: SecretEncoding): KeyObject | JwtRefusal => {
  const bytes = DECODERS[encoding](text);
  return bytes === undefined || bytes.length === 0 ? refusal('InvalidSecretKey') : createSecretKey(bytes);
};
