import { constants, createHmac, createPrivateKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

export interface TestKeyPair {
  readonly privateKey: KeyObject;
  readonly publicPem: string;
  readonly jwk: Readonly<Record<string, unknown>>;
}

function pairOf({ privateKey, publicKey }: { privateKey: KeyObject; publicKey: KeyObject }): TestKeyPair {
  return {
    privateKey,
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    jwk: { ...publicKey.export({ format: 'jwk' }) },
  };
}

export const rsaPair = (modulusLength = 2048): TestKeyPair => pairOf(generateKeyPairSync('rsa', { modulusLength }));
export const ecPair = (namedCurve: string): TestKeyPair => pairOf(generateKeyPairSync('ec', { namedCurve }));

const encoded = (part: unknown): string =>
  Buffer.from(typeof part === 'string' ? part : JSON.stringify(part), 'utf8').toString('base64url');

function signatureOf(algorithm: string, input: string, key: KeyObject | string | Buffer): string {
  const digest = `sha${algorithm.slice(2)}`;
  if (typeof key === 'string' || Buffer.isBuffer(key)) return createHmac(digest, key).update(input).digest('base64url');
  const data = Buffer.from(input, 'ascii');
  if (algorithm.startsWith('ES')) return sign(digest, data, { key, dsaEncoding: 'ieee-p1363' }).toString('base64url');
  if (!algorithm.startsWith('PS')) return sign(digest, data, key).toString('base64url');
  const saltLength = constants.RSA_PSS_SALTLEN_DIGEST;
  return sign(digest, data, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }).toString('base64url');
}

export interface TokenParts {
  /** An object, or the very text of the header or payload. */
  readonly header: unknown;
  readonly payload: unknown;
  /** What it is really signed with; `none` leaves the signature empty. */
  readonly algorithm: string;
  /** A private key, or a secret: its text or its bytes. */
  readonly key: KeyObject | string | Buffer;
}

/** Makes any token, a wrong one too: nothing is checked. */
export function makeToken({ header, payload, algorithm, key }: TokenParts): string {
  const input = `${encoded(header)}.${encoded(payload)}`;
  return `${input}.${algorithm === 'none' ? '' : signatureOf(algorithm, input, key)}`;
}

export const privateKeyOf = (pem: string): KeyObject => createPrivateKey(pem);
