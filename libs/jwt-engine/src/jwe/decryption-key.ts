import { type KeyObject } from 'node:crypto';
import { compactDecrypt, type DecryptOptions } from 'jose';
import { type JweKeyAlgorithmName, MAX_PBKDF2_ITERATIONS } from '../jwe-algorithms.ts';
import { type JsonValue } from '../json-value.ts';
import { type JwtRefusal } from '../jwt-refusal.ts';
import { checkDecryptionKeyFor } from './check-decryption-key.ts';
import { type EncryptedToken } from './encrypted-token.ts';

/** Most bytes that a compressed payload may have once it is inflated (verify-jwt.md 13.16). */
export const MAX_INFLATED_BYTES = 256 * 1024;

/** One key, with everything that is done once for all its tokens. */
export interface DecryptionKey {
  readonly key: KeyObject;
  /** The payload; undefined when the token does not open, whatever the reason. `text` is the token that was taken apart. */
  readonly open: (text: string, token: EncryptedToken) => Promise<Buffer | undefined>;
}

/** The extensions have been judged already; jose has its own list of those it lets pass. */
const acceptedExtensions = (critical: JsonValue | undefined): Pick<DecryptOptions, 'crit'> =>
  Array.isArray(critical) ? { crit: Object.fromEntries(critical.map((name) => [String(name), true])) } : {};

const optionsFor = (
  keyAlgorithm: JweKeyAlgorithmName,
  { contentAlgorithm, header }: EncryptedToken,
): DecryptOptions => ({
  keyManagementAlgorithms: [keyAlgorithm],
  contentEncryptionAlgorithms: [contentAlgorithm],
  maxPBES2Count: MAX_PBKDF2_ITERATIONS,
  maxDecompressedLength: MAX_INFLATED_BYTES,
  ...acceptedExtensions(header['crit']),
});

/**
 * Prepares a key for one algorithm, or says why it does not fit. jose decrypts, on the thread pool of Web Crypto, and imports
 * a private key once per KeyObject; a secret is exported once here.
 */
export const prepareDecryptionKey = (keyAlgorithm: JweKeyAlgorithmName, key: KeyObject): DecryptionKey | JwtRefusal => {
  const fault = checkDecryptionKeyFor(keyAlgorithm, key);
  if (fault !== undefined) return fault;
  const material = key.type === 'secret' ? key.export() : key;
  const open = async (text: string, token: EncryptedToken): Promise<Buffer | undefined> => {
    try {
      const { plaintext } = await compactDecrypt(text, material, optionsFor(keyAlgorithm, token));
      return Buffer.from(plaintext.buffer, plaintext.byteOffset, plaintext.byteLength);
    } catch {
      // What jose says of it would help who guesses, so nothing of it is passed on (RFC 7516 section 11.5).
      return undefined;
    }
  };
  return { key, open };
};
