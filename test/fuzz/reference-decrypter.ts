import { createDecipheriv, createHmac } from 'node:crypto';
import { inflateRawSync } from 'node:zlib';
import { type TokenRules } from '#libs/jwt-engine';
import { CONTENT_KEY_BYTES } from './encrypt-token.ts';
import { referenceBase64Url } from './reference-base64url.ts';
import { referenceJsonObject } from './reference-json.ts';
import { isCriticalHandled, isInTime, isTypeFit, MAX_TOKEN_LENGTH, type ReferenceToken } from './reference-verifier.ts';

/** What the reference opens with: one key, for `dir` or AES key wrap. */
export interface DecrypterRules extends Pick<
  TokenRules<void>,
  'knownCriticalHeaders' | 'ignoreCriticalHeaders' | 'type'
> {
  readonly keyAlgorithm: 'dir' | 'A128KW' | 'A256KW';
  /** undefined: any of the six. */
  readonly contentAlgorithm?: string;
  readonly key: Buffer;
}

interface Sealed {
  readonly vector: Buffer;
  readonly ciphertext: Buffer;
  readonly tag: Buffer;
  readonly additional: Buffer;
}

interface EncryptedParts extends Sealed {
  readonly header: Buffer;
  readonly encryptedKey: Buffer;
}

type Members = ReferenceToken['header'];

const MAX_INFLATED_BYTES = 256 * 1024;

/** undefined for whatever OpenSSL or zlib throws at bytes that are not what they should be. */
function attempt<Value>(work: () => Value): Value | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

function unwrap(key: Buffer, wrapped: Buffer): Buffer | undefined {
  return attempt(() => {
    const decipher = createDecipheriv(`id-aes${key.length * 8}-wrap`, key, Buffer.alloc(8, 0xa6));
    return Buffer.concat([decipher.update(wrapped), decipher.final()]);
  });
}

function openGcm(key: Buffer, { vector, ciphertext, tag, additional }: Sealed): Buffer | undefined {
  if (vector.length !== 12 || tag.length !== 16) return undefined;
  return attempt(() => {
    const decipher = createDecipheriv(`aes-${key.length * 8}-gcm` as 'aes-128-gcm', key, vector);
    decipher.setAAD(additional);
    decipher.setAuthTag(tag);
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
  });
}

function openCbc(key: Buffer, { vector, ciphertext, tag, additional }: Sealed): Buffer | undefined {
  const half = key.length / 2;
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(BigInt(additional.length * 8));
  const mac = createHmac(`sha${half * 16}`, key.subarray(0, half));
  mac.update(Buffer.concat([additional, vector, ciphertext, length]));
  if (vector.length !== 16 || mac.digest('hex').slice(0, half * 2) !== tag.toString('hex')) return undefined;
  return attempt(() => {
    const decipher = createDecipheriv(`aes-${half * 8}-cbc`, key.subarray(half), vector);
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
  });
}

/** Any `zip` but `DEF` is refused. */
function inflated(plain: Buffer, zip: unknown): Buffer | undefined {
  if (zip === undefined) return plain;
  return zip === 'DEF' ? attempt(() => inflateRawSync(plain, { maxOutputLength: MAX_INFLATED_BYTES })) : undefined;
}

const contentKeyOf = ({ keyAlgorithm, key }: DecrypterRules, encryptedKey: Buffer): Buffer | undefined => {
  if (keyAlgorithm !== 'dir') return unwrap(key, encryptedKey);
  return encryptedKey.length === 0 ? key : undefined;
};

/** The token's `enc`, when its header may be opened at all. */
function allowedContent(header: Members, rules: DecrypterRules): string | undefined {
  if (header['alg'] !== rules.keyAlgorithm) return undefined;
  if (!isCriticalHandled(header, rules) || !isTypeFit(header['typ'], rules.type)) return undefined;
  const enc = Object.keys(CONTENT_KEY_BYTES).find((name) => name === header['enc']);
  return rules.contentAlgorithm === undefined || rules.contentAlgorithm === enc ? enc : undefined;
}

function open(header: Members, parts: EncryptedParts, rules: DecrypterRules): Buffer | undefined {
  const enc = allowedContent(header, rules);
  const contentKey = contentKeyOf(rules, parts.encryptedKey);
  if (enc === undefined || contentKey === undefined || contentKey.length !== CONTENT_KEY_BYTES[enc]) return undefined;
  const plain = (enc.endsWith('GCM') ? openGcm : openCbc)(contentKey, parts);
  return plain && inflated(plain, Object.hasOwn(header, 'zip') ? header['zip'] : undefined);
}

/** The five parts and the text of the first, which the tag covers. */
function partsOf(token: string): EncryptedParts | undefined {
  const texts = token.split('.');
  if (token.length > MAX_TOKEN_LENGTH || texts.length !== 5) return undefined;
  const parts = texts.map(referenceBase64Url).filter((part) => part !== undefined);
  const [header, encryptedKey, vector, ciphertext, tag] = parts as [Buffer, Buffer, Buffer, Buffer, Buffer];
  if (parts.length !== 5) return undefined;
  return { header, encryptedKey, vector, ciphertext, tag, additional: Buffer.from(texts[0] ?? '') };
}

/** The verdict on an encrypted token by the letter of RFC 7516 and 7518 and the engine's limits; undefined: refused. */
export function referenceDecryption(
  token: string,
  rules: DecrypterRules,
  nowSeconds: number,
): ReferenceToken | undefined {
  const parts = partsOf(token);
  const header = parts && referenceJsonObject(parts.header);
  const payload = parts && header && open(header, parts, rules);
  const claims = payload && referenceJsonObject(payload);
  return claims && isInTime(claims, {}, nowSeconds) ? { header, claims } : undefined;
}
