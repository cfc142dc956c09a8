import { createCipheriv, createDecipheriv } from 'node:crypto';
import { takeRandomBytes } from '../token/random-pool.ts';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const MAC_BYTES = 16;

/** AES-256-GCM: nonce, cipher text and MAC, base64url. `boundTo` is not in it, but must be the same to open it. */
export function sealText(key: Buffer, boundTo: string, text: string): string {
  const nonce = takeRandomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: MAC_BYTES });
  cipher.setAAD(Buffer.from(boundTo, 'utf8'));
  const hidden = [cipher.update(text, 'utf8'), cipher.final()];
  return Buffer.concat([nonce, ...hidden, cipher.getAuthTag()]).toString('base64url');
}

/** Undefined when it was not sealed with this key and binding. */
export function openText(key: Buffer, boundTo: string, sealed: string): string | undefined {
  const bytes = Buffer.from(sealed, 'base64url');
  const isWhole = bytes.length >= NONCE_BYTES + MAC_BYTES && bytes.toString('base64url') === sealed;
  if (!isWhole) return undefined;
  const opener = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES), { authTagLength: MAC_BYTES });
  opener.setAAD(Buffer.from(boundTo, 'utf8'));
  opener.setAuthTag(bytes.subarray(-MAC_BYTES));
  try {
    const hidden = bytes.subarray(NONCE_BYTES, -MAC_BYTES);
    return Buffer.concat([opener.update(hidden), opener.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}
