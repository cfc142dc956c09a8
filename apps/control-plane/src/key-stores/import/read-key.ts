import { getCiphers, KeyObject } from 'node:crypto';
import { keyFromJwk, privateKeyFrom, publicKeyFrom, type JsonObject, type JwtRefusal } from '#libs/jwt-engine';
import type { ValidationFault } from '#libs/policy-contracts';
import { readJwk } from './jwk-text.ts';
import { privateKeysIn } from './pkcs12.ts';
import { MOST_ROUNDS, openPrivateKey, type OpenedKey } from './private-key-info.ts';

export const SOURCE_TYPES = ['JWK', 'PEM', 'CERTIFICATE', 'PKCS12'] as const;
export type SourceType = (typeof SOURCE_TYPES)[number];

export interface KeySource {
  readonly sourceType: SourceType;
  /** JSON or PEM text; of PKCS #12 the file in base64. */
  readonly content: string;
  readonly password: string | undefined;
}

/** A key as it came, and what a JWK says beside it. */
export interface ReadKey {
  readonly key: KeyObject;
  readonly keyId: string | undefined;
  readonly algorithm: string | undefined;
}

/** Faults name what was expected; they never repeat what came. */
export type KeyReading = ReadKey | { readonly fault: ValidationFault };

const faulty = (field: 'content' | 'password', code: string, message: string): KeyReading => ({
  fault: { field, code, message: `${field} ${message}` },
});
const bare = (key: KeyObject): ReadKey => ({ key, keyId: undefined, algorithm: undefined });

const KEY_FAULTS: Partial<Record<JwtRefusal['code'], string>> = {
  WrongKeyType: 'is no key that an algorithm here takes: RSA, EC or oct',
  InvalidCurve: 'is a key on a curve that no algorithm here takes: P-256, P-384 or P-521',
  InvalidSecretKey: 'has a secret (k) that is empty or not base64url',
  InvalidPrivateKey: 'holds a private key that is incomplete or broken',
  InvalidPublicKey: 'is an RSA key below 2048 bits, or one with an unsound exponent',
};

export const keyFault = ({ code }: JwtRefusal): { readonly fault: ValidationFault } => ({
  fault: { field: 'content', code, message: `content ${KEY_FAULTS[code] ?? 'holds a key that cannot be read'}` },
});

function fromJwk({ content }: KeySource): KeyReading {
  const reading = readJwk(content);
  if ('fault' in reading) return reading;
  const key = keyFromJwk(reading.jwk as JsonObject);
  if (!(key instanceof KeyObject)) return keyFault(key);
  const { kid, alg } = reading.jwk;
  return {
    key,
    keyId: typeof kid === 'string' ? kid : undefined,
    algorithm: typeof alg === 'string' ? alg : undefined,
  };
}

const OPENING_FAULTS: Readonly<Record<Exclude<OpenedKey, KeyObject>['code'], KeyReading>> = {
  password_required: faulty('password', 'required', 'is required: the private key is encrypted'),
  wrong_password: faulty('password', 'wrong_password', 'does not open the private key, or content is damaged'),
  too_costly: faulty('content', 'too_costly', `asks for more than ${MOST_ROUNDS} rounds to open it`),
  unsupported_encryption: faulty(
    'content',
    'unsupported_encryption',
    'is encrypted in a way that is given up (DES, RC2, RC4, MD5): encrypt it anew, with openssl pkcs8 -topk8 for example',
  ),
  broken: faulty('content', 'InvalidPrivateKey', 'holds a private key that is incomplete or broken'),
};
const opened = (key: OpenedKey): KeyReading => (key instanceof KeyObject ? bare(key) : OPENING_FAULTS[key.code]);

/** PKCS #8 is opened here, where its cost is looked at; the older forms have none. */
const ENCRYPTED_PKCS8 = /-----BEGIN ENCRYPTED PRIVATE KEY-----([\sA-Za-z0-9+/=]+)-----END ENCRYPTED PRIVATE KEY-----/;
const LEGACY_ENCRYPTED = /Proc-Type:\s*4,ENCRYPTED/i;
/** RFC 1421 section 4.6.1.3: the cipher of an older form. */
const LEGACY_CIPHER = /DEK-Info:\s*([A-Za-z0-9-]+)/i;
const ANY_PRIVATE = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/;
const ANY_KEY = /-----BEGIN (?:[A-Z0-9 ]+ )?(PRIVATE|PUBLIC) KEY-----/g;

/** Which of several is meant would be a guess; the public half of a private key may stand beside it. */
function hasSeveralKeys(pem: string): boolean {
  const kinds = [...pem.matchAll(ANY_KEY)].map(([, kind]) => kind);
  return ['PRIVATE', 'PUBLIC'].some((kind) => kinds.filter((one) => one === kind).length > 1);
}

function fromLegacyPem({ content, password }: KeySource): KeyReading {
  if (password === undefined) return OPENING_FAULTS.password_required;
  const cipher = LEGACY_CIPHER.exec(content)?.[1]?.toLowerCase();
  if (cipher !== undefined && !getCiphers().includes(cipher)) return OPENING_FAULTS.unsupported_encryption;
  const key = privateKeyFrom(content, password);
  return key instanceof KeyObject ? bare(key) : OPENING_FAULTS.wrong_password;
}

async function fromPem(source: KeySource): Promise<KeyReading> {
  const { content, password } = source;
  if (hasSeveralKeys(content)) return faulty('content', 'several_keys', 'must hold one key, it holds several');
  if (!ANY_PRIVATE.test(content)) {
    const key = publicKeyFrom(content);
    return key instanceof KeyObject
      ? bare(key)
      : faulty('content', key.code, 'must be PEM: a private key (PKCS#8, PKCS#1, SEC1) or a public one (SPKI, PKCS#1)');
  }
  const base64 = ENCRYPTED_PKCS8.exec(content)?.[1];
  if (base64 !== undefined) {
    return opened(await openPrivateKey({ der: Buffer.from(base64, 'base64'), isEncrypted: true }, password));
  }
  // With something in between that the cost cannot be read past.
  if (content.includes('BEGIN ENCRYPTED PRIVATE KEY')) return OPENING_FAULTS.broken;
  if (LEGACY_ENCRYPTED.test(content)) return fromLegacyPem(source);
  const key = privateKeyFrom(content);
  return key instanceof KeyObject ? bare(key) : OPENING_FAULTS.broken;
}

function fromCertificate({ content }: KeySource): KeyReading {
  if (ANY_PRIVATE.test(content)) {
    return faulty('content', 'InvalidPublicKey', 'must be a certificate without its private key; send that as PEM');
  }
  const key = content.includes('-----BEGIN CERTIFICATE-----') ? publicKeyFrom(content) : undefined;
  return key instanceof KeyObject
    ? bare(key)
    : faulty('content', 'KeyParsingFailed', 'must be an X.509 certificate as PEM');
}

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

async function fromPkcs12({ content, password }: KeySource): Promise<KeyReading> {
  const base64 = content.replace(/\s/g, '');
  const keys = BASE64.test(base64) ? privateKeysIn(Buffer.from(base64, 'base64')) : undefined;
  if (keys === undefined) return faulty('content', 'KeyParsingFailed', 'must be a PKCS#12 file in base64');
  const [key] = keys;
  if (key === undefined) return faulty('content', 'InvalidPrivateKey', 'is a PKCS#12 file without a private key');
  if (keys.length > 1) return faulty('content', 'several_keys', 'must hold one private key, it holds several');
  return opened(await openPrivateKey(key, password));
}

const READERS: Readonly<Record<SourceType, (source: KeySource) => KeyReading | Promise<KeyReading>>> = {
  JWK: fromJwk,
  PEM: fromPem,
  CERTIFICATE: fromCertificate,
  PKCS12: fromPkcs12,
};

/** A signature takes time with the cube of it: some 150 ms at this size, nine seconds at four times as much. */
const MOST_RSA_BITS = 8192;

/** Reads a key in any of its forms. Strength and fitness are judged where its facts are (`importKey`). */
export async function readKey(source: KeySource): Promise<KeyReading> {
  const reading = await READERS[source.sourceType](source);
  const bits = 'fault' in reading ? 0 : (reading.key.asymmetricKeyDetails?.modulusLength ?? 0);
  if (bits <= MOST_RSA_BITS) return reading;
  return faulty('content', 'key_too_large', `is an RSA key of more than ${MOST_RSA_BITS} bits`);
}
