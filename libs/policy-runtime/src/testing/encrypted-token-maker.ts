import { constants, createCipheriv, pbkdf2Sync, publicEncrypt, randomBytes, type KeyObject } from 'node:crypto';

export interface EncryptedTokenParts {
  /** `enc` is one of the GCM algorithms; for PBES2 `p2s` and `p2c` say what is derived. */
  readonly header: {
    readonly alg: string;
    readonly enc: string;
    readonly p2s?: string;
    readonly p2c?: number;
    readonly [name: string]: unknown;
  };
  /** An object, or the very text of the payload. */
  readonly payload: unknown;
  /** A public RSA key, or a secret: its bytes, or the text of a password. */
  readonly key: KeyObject | Buffer | string;
}

const contentKeyBytes = (enc: string): number => Number(/^A(\d+)GCM$/.exec(enc)?.[1]) / 8;

/** RFC 3394 section 2.2.3.1. */
const WRAP_START = Buffer.alloc(8, 0xa6);

function wrapped(contentKey: Buffer, wrappingKey: Buffer): Buffer {
  const cipher = createCipheriv(`id-aes${wrappingKey.length * 8}-wrap`, wrappingKey, WRAP_START);
  return Buffer.concat([cipher.update(contentKey), cipher.final()]);
}

/** RFC 7518 section 4.8.1.1. */
function derivedKey({ alg, p2s = '', p2c = 1 }: EncryptedTokenParts['header'], password: string): Buffer {
  const [, digestBits = '', keyBits = ''] = /^PBES2-HS(\d+)\+A(\d+)KW$/.exec(alg) ?? [];
  const salt = Buffer.concat([Buffer.from(`${alg}\0`), Buffer.from(p2s, 'base64url')]);
  return pbkdf2Sync(password, salt, p2c, Number(keyBits) / 8, `sha${digestBits}`);
}

/** The content encryption key, and what stands for it in the token. */
function keysFor({ header, key }: EncryptedTokenParts): readonly [contentKey: Buffer, encryptedKey: Buffer] {
  if (header.alg === 'dir' && Buffer.isBuffer(key)) return [key, Buffer.alloc(0)];
  const contentKey = randomBytes(contentKeyBytes(header.enc));
  if (Buffer.isBuffer(key)) return [contentKey, wrapped(contentKey, key)];
  if (typeof key === 'string') return [contentKey, wrapped(contentKey, derivedKey(header, key))];
  const oaepHash = header.alg === 'RSA-OAEP-256' ? 'sha256' : 'sha1';
  const encrypted = publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, contentKey);
  return [contentKey, encrypted];
}

/** Makes an encrypted token (RFC 7516 section 7.1), a wrong one too: nothing is checked. */
export function makeEncryptedToken(parts: EncryptedTokenParts): string {
  const [contentKey, encryptedKey] = keysFor(parts);
  const { payload } = parts;
  const header = Buffer.from(JSON.stringify(parts.header)).toString('base64url');
  const initializationVector = randomBytes(12);
  const name = `aes-${contentKey.length * 8}-gcm` as 'aes-256-gcm';
  const cipher = createCipheriv(name, contentKey, initializationVector).setAAD(Buffer.from(header, 'ascii'));
  const plain = typeof payload === 'string' ? payload : JSON.stringify(payload);
  const content = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
  const rest = [encryptedKey, initializationVector, content, cipher.getAuthTag()];
  return [header, ...rest.map((part) => part.toString('base64url'))].join('.');
}
