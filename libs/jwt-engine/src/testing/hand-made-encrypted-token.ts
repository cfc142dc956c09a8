import { createCipheriv, createHmac } from 'node:crypto';
import { encoded } from './hand-made-token.ts';

export interface HandMadeParts {
  readonly header: string | Buffer | object;
  readonly payload: string | Buffer | object;
  /** 16, 24 or 32 bytes for GCM; 32, 48 or 64 for CBC with HMAC. */
  readonly contentKey: Buffer;
  readonly mode?: 'gcm' | 'cbc-hmac';
  readonly encryptedKey?: Buffer;
  /** Default: 12 bytes for GCM, 16 for CBC. */
  readonly initializationVector?: Buffer;
  /** Of GCM; how much of the tag is written. */
  readonly tagBytes?: number;
}

const bytesOf = (part: string | Buffer | object): Buffer => Buffer.from(encoded(part), 'base64url');

const gcm = (content: Buffer, additionalData: Buffer, parts: HandMadeParts): readonly Buffer[] => {
  const { contentKey, tagBytes = 16, initializationVector = Buffer.alloc(12, 1) } = parts;
  const name = `aes-${String(contentKey.length * 8)}-gcm` as 'aes-256-gcm';
  const cipher = createCipheriv(name, contentKey, initializationVector);
  const ciphertext = Buffer.concat([cipher.setAAD(additionalData).update(content), cipher.final()]);
  return [initializationVector, ciphertext, cipher.getAuthTag().subarray(0, tagBytes)];
};

const cbcHmac = (content: Buffer, additionalData: Buffer, parts: HandMadeParts): readonly Buffer[] => {
  const { contentKey, initializationVector = Buffer.alloc(16, 1) } = parts;
  const half = contentKey.length / 2;
  const cipher = createCipheriv(`aes-${String(half * 8)}-cbc`, contentKey.subarray(half), initializationVector);
  const ciphertext = Buffer.concat([cipher.update(content), cipher.final()]);
  const bits = Buffer.alloc(8);
  bits.writeBigUInt64BE(BigInt(additionalData.length * 8));
  const mac = createHmac(`sha${String(contentKey.length * 8)}`, contentKey.subarray(0, half));
  const covered = Buffer.concat([additionalData, initializationVector, ciphertext, bits]);
  return [initializationVector, ciphertext, mac.update(covered).digest().subarray(0, half)];
};

/** A compact encrypted token made without the engine and without jose, around any header and content key whatever. */
export const handMadeEncryptedToken = (parts: HandMadeParts): string => {
  const header = encoded(parts.header);
  const encrypt = parts.mode === 'cbc-hmac' ? cbcHmac : gcm;
  const sealed = encrypt(bytesOf(parts.payload), Buffer.from(header, 'latin1'), parts);
  return [header, ...[parts.encryptedKey ?? Buffer.alloc(0), ...sealed].map((part) => part.toString('base64url'))].join(
    '.',
  );
};
