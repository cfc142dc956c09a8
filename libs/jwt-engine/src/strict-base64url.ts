import { MAX_TOKEN_LENGTH } from './token-rules.ts';

/** Room for the longest part a token can have. */
const room = Buffer.alloc(Math.ceil((MAX_TOKEN_LENGTH * 3) / 4));

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const valueOfCharacter = new Uint8Array(128);
for (let value = 0; value < ALPHABET.length; value += 1) valueOfCharacter[ALPHABET.charCodeAt(value)] = value;
/** Bits of the last character that belong to no byte, by the number of characters beyond whole groups of four. */
const SPARE_BITS = [0, 0, 0b1111, 0b11] as const;

/** A group of one character holds no byte; in the others the spare bits are zero. */
const hasCanonicalEnd = (text: string): boolean => {
  const beyond = text.length % 4;
  const last = valueOfCharacter[text.charCodeAt(text.length - 1)] ?? 0;
  return beyond === 0 || (beyond !== 1 && (last & (SPARE_BITS[beyond] ?? 0)) === 0);
};

/**
 * Decodes into the room and tells how many bytes; undefined for any but the canonical text of a value.
 *
 * What Node skips (characters outside both alphabets, padding and all behind it, what the room cannot hold) leaves fewer bytes
 * than the length promises; the other alphabet, characters that it cuts to a byte, and spare bits are looked for.
 */
const decodeIntoRoom = (text: string): number | undefined => {
  const byteCount = room.write(text, 'base64url');
  if (byteCount !== Math.floor((text.length * 3) / 4) || !hasCanonicalEnd(text)) return undefined;
  const isOtherAlphabet = text.includes('+') || text.includes('/');
  return isOtherAlphabet || Buffer.byteLength(text) !== text.length ? undefined : byteCount;
};

/**
 * Decodes base64url, admitting one text per value (RFC 7515 section 2, RFC 4648 section 3.5).
 *
 * Node skips characters outside the alphabet, knows both alphabets and ignores padding and spare trailing
 * bits, so several texts decode alike; encoding back and comparing leaves only the canonical one.
 */
export const decodeBase64Url = (text: string): Buffer | undefined => {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
};

/**
 * Decodes a part of a token as strictly as `decodeBase64Url`, but into memory that the next call overwrites: read the
 * bytes at once, before any code of somebody else's runs, and hand on nothing but copies.
 */
export const decodeBase64UrlBriefly = (text: string): Buffer | undefined => {
  const byteCount = decodeIntoRoom(text);
  return byteCount === undefined ? undefined : room.subarray(0, byteCount);
};

/** True for what `decodeBase64Url` decodes; texts longer than a token may be are not looked at. */
export const isBase64Url = (text: string): boolean => decodeIntoRoom(text) !== undefined;
