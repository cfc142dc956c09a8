import { createHmac, hkdfSync } from 'node:crypto';

/** Keys for one purpose each; none can be computed from another. */
export interface StoreKeys {
  readonly tag: Buffer;
  readonly familyId: Buffer;
  readonly record: Buffer;
  readonly successor: Buffer;
}

/**
 * Derives every key of the store, bound to environment and format version (HKDF, RFC 5869).
 *
 * @throws RangeError when `key` is not 32 bytes long.
 */
export function deriveStoreKeys(key: Buffer, environment: string): StoreKeys {
  if (key.length !== 32) throw new RangeError('the key of the refresh token store must be 32 bytes long');
  const derive = (purpose: string): Buffer => {
    const info = JSON.stringify(['gatewarden', 'refresh-token-store', 1, purpose, environment]);
    return Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), info, 32));
  };
  return {
    tag: derive('tag'),
    familyId: derive('family-id'),
    record: derive('record'),
    successor: derive('successor'),
  };
}

/** A pseudorandom 32 bytes for this text under this key. */
export const keyedDigest = (key: Buffer, text: string): Buffer =>
  createHmac('sha256', key).update(text, 'utf8').digest();
