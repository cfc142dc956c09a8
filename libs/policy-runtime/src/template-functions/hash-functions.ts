import { createHash, createHmac } from 'node:crypto';
import { onTexts, type NamedFunctions } from './template-function.ts';

const HASHES = ['md5', 'sha1', 'sha256', 'sha384', 'sha512'] as const;
const HMACS: readonly (readonly [string, string])[] = [
  ['hmacMd5', 'md5'],
  ['hmacSha1', 'sha1'],
  ['hmacSha224', 'sha224'],
  ['hmacSha256', 'sha256'],
  ['hmacSha384', 'sha384'],
  ['hmacSha512', 'sha512'],
];

const hash = (algorithm: string, encoding: 'hex' | 'base64') =>
  onTexts(1, 1, (text) => createHash(algorithm).update(text, 'utf8').digest(encoding));

type KeyEncoding = 'utf8' | 'hex' | 'base64';
const KEY_ENCODINGS: ReadonlyMap<string, KeyEncoding> = new Map<string, KeyEncoding>([
  ['utf-8', 'utf8'],
  ['hex', 'hex'],
  ['base16', 'hex'],
  ['base64', 'base64'],
]);

/** `key, text, encoding of the key (utf-8), encoding of the result (base64)`; an unknown encoding gives nothing. */
const hmac = (algorithm: string) =>
  onTexts(2, 4, (key, text = '', keyEncoding = 'utf-8', outputEncoding = 'base64') => {
    const [input, output] = [keyEncoding, outputEncoding].map((name) => KEY_ENCODINGS.get(name.toLowerCase()));
    if (input === undefined || output === undefined || output === 'utf8') return '';
    return createHmac(algorithm, Buffer.from(key ?? '', input))
      .update(text, 'utf8')
      .digest(output);
  });

export const HASH_FUNCTIONS: NamedFunctions = [
  ...HASHES.flatMap((name) => [
    [`${name}Hex`, hash(name, 'hex')] as const,
    [`${name}Base64`, hash(name, 'base64')] as const,
  ]),
  ...HMACS.map(([name, algorithm]) => [name, hmac(algorithm)] as const),
];
