import { MAX_TOKEN_LENGTH } from './token-rules.ts';

/** Room for the longest part a token can have. */
const room = Buffer.alloc(Math.ceil((MAX_TOKEN_LENGTH * 3) / 4));

/**
 * Decodes into the room and tells how many bytes; undefined for any but the canonical text of a value.
 *
 * A text that the room cannot hold does not read back whole either.
 */
const decodeIntoRoom = (text: string): number | undefined => {
  const byteCount = room.write(text, 'base64url');
  return room.toString('base64url', 0, byteCount) === text ? byteCount : undefined;
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
