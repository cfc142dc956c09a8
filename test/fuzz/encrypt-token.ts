import { createCipheriv, createHmac } from 'node:crypto';
import { type SeededRandom } from '../chaos/seeded-random.ts';

/** What is encrypted how: names of RFC 7518. */
export interface Encryption {
  /** `wrap`: AES key wrap with the key; `direct`: the key is the content encryption key. */
  readonly management: 'wrap' | 'direct';
  readonly contentAlgorithm: string;
  readonly key: Buffer;
}

interface Sealed {
  readonly ciphertext: Buffer;
  readonly tag: Buffer;
}

/** Bytes of the content encryption key, by its algorithm. */
export const CONTENT_KEY_BYTES: Readonly<Record<string, number>> = {
  'A128CBC-HS256': 32,
  'A192CBC-HS384': 48,
  'A256CBC-HS512': 64,
  A128GCM: 16,
  A192GCM: 24,
  A256GCM: 32,
};

const chance = (random: SeededRandom, length: number): Buffer =>
  Buffer.from(Array.from({ length }, () => random.between(0, 255)));

/** RFC 3394 with its default initial value. */
function wrap(key: Buffer, contentKey: Buffer): Buffer {
  const cipher = createCipheriv(`id-aes${key.length * 8}-wrap`, key, Buffer.alloc(8, 0xa6));
  return Buffer.concat([cipher.update(contentKey), cipher.final()]);
}

function sealWithGcm(key: Buffer, vector: Buffer, additional: Buffer, plain: Buffer): Sealed {
  const cipher = createCipheriv(`aes-${key.length * 8}-gcm` as 'aes-128-gcm', key, vector);
  cipher.setAAD(additional);
  const ciphertext = Buffer.concat([cipher.update(plain), cipher.final()]);
  return { ciphertext, tag: cipher.getAuthTag() };
}

/** RFC 7518 section 5.2.2.1. */
function sealWithCbc(key: Buffer, vector: Buffer, additional: Buffer, plain: Buffer): Sealed {
  const half = key.length / 2;
  const cipher = createCipheriv(`aes-${half * 8}-cbc`, key.subarray(half), vector);
  const ciphertext = Buffer.concat([cipher.update(plain), cipher.final()]);
  const lengthBits = Buffer.alloc(8);
  lengthBits.writeUInt32BE(additional.length * 8, 4);
  const mac = createHmac(`sha${half * 16}`, key.subarray(0, half));
  for (const part of [additional, vector, ciphertext, lengthBits]) mac.update(part);
  return { ciphertext, tag: mac.digest().subarray(0, half) };
}

/** A token in compact form over any header text and payload, made without the engine; its chance is the seed's. */
export function encryptToken(random: SeededRandom, how: Encryption, headerText: string, payload: Buffer): string {
  const isGcm = how.contentAlgorithm.endsWith('GCM');
  const isDirect = how.management === 'direct';
  const contentKey = isDirect ? how.key : chance(random, CONTENT_KEY_BYTES[how.contentAlgorithm] ?? 0);
  const vector = chance(random, isGcm ? 12 : 16);
  const header = Buffer.from(headerText, 'utf8').toString('base64url');
  const seal = isGcm ? sealWithGcm : sealWithCbc;
  const { ciphertext, tag } = seal(contentKey, vector, Buffer.from(header), payload);
  const encryptedKey = isDirect ? Buffer.alloc(0) : wrap(how.key, contentKey);
  return [header, ...[encryptedKey, vector, ciphertext, tag].map((part) => part.toString('base64url'))].join('.');
}
