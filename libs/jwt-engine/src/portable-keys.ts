import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPair,
  type JsonWebKey,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import { promisify } from 'node:util';
import { checkKeyFor } from './check-key.ts';
import { type JwtRefusal, refusal } from './jwt-refusal.ts';
import { type JsonObject } from './json-value.ts';
import { decodeBase64Url } from './strict-base64url.ts';

/** The curves of RFC 7518 section 6.2.1.1, which are those of ES256, ES384 and ES512. */
export const KEY_CURVES = ['P-256', 'P-384', 'P-521'] as const;
export type KeyCurve = (typeof KEY_CURVES)[number];

/** What a key is; says nothing of what is secret in it. */
export interface KeyFacts {
  readonly keyType: 'RSA' | 'EC' | 'oct';
  /** Of the modulus, the curve or the secret. */
  readonly bits: number;
  readonly curve: KeyCurve | null;
  /** A private key or a secret; false: only the public half is there. */
  readonly canSign: boolean;
}

/** What to generate. */
export type KeyKind =
  | { readonly keyType: 'RSA'; readonly bits: number }
  | { readonly keyType: 'EC'; readonly curve: KeyCurve }
  /** `bits` is a multiple of 8. */
  | { readonly keyType: 'oct'; readonly bits: number };

const CURVES: Readonly<Record<KeyCurve, { readonly openSslName: string; readonly bits: number }>> = {
  'P-256': { openSslName: 'prime256v1', bits: 256 },
  'P-384': { openSslName: 'secp384r1', bits: 384 },
  'P-521': { openSslName: 'secp521r1', bits: 521 },
};

const generatePair = promisify(generateKeyPair);

/** Makes a key away from the event loop: an RSA key of 4096 bits takes seconds. */
export const generateKey = async (kind: KeyKind): Promise<KeyObject> => {
  switch (kind.keyType) {
    case 'RSA':
      return (await generatePair('rsa', { modulusLength: kind.bits })).privateKey;
    case 'EC':
      return (await generatePair('ec', { namedCurve: CURVES[kind.curve].openSslName })).privateKey;
    case 'oct':
      return createSecretKey(randomBytes(kind.bits / 8));
  }
};

const orRefusal = (read: () => KeyObject, code: 'KeyParsingFailed' | 'InvalidPrivateKey'): KeyObject | JwtRefusal => {
  try {
    return read();
  } catch {
    // The cause may speak of key material.
    return refusal(code);
  }
};

const secretFrom = (text: unknown): KeyObject | JwtRefusal => {
  const bytes = typeof text === 'string' ? decodeBase64Url(text) : undefined;
  return bytes === undefined || bytes.length === 0 ? refusal('InvalidSecretKey') : createSecretKey(bytes);
};

/**
 * Reads a JWK (RFC 7517): private, public or `oct`. `WrongKeyType` for other kinds, `InvalidCurve`, `InvalidSecretKey`,
 * `InvalidPrivateKey` when `d` is there but the rest does not make a private key, else `KeyParsingFailed`.
 */
export const keyFromJwk = (jwk: JsonObject): KeyObject | JwtRefusal => {
  const { kty, crv } = jwk;
  if (kty === 'oct') return secretFrom(jwk['k']);
  if (kty !== 'RSA' && kty !== 'EC') return refusal('WrongKeyType');
  if (kty === 'EC' && !KEY_CURVES.some((curve) => curve === crv)) return refusal('InvalidCurve');
  const input = { key: { ...jwk } as JsonWebKey, format: 'jwk' } as const;
  return Object.hasOwn(jwk, 'd')
    ? orRefusal(() => createPrivateKey(input), 'InvalidPrivateKey')
    : orRefusal(() => createPublicKey(input), 'KeyParsingFailed');
};

/**
 * Says what a key is, or why no algorithm of the engine takes it: `WrongKeyType` (Ed25519, RSASSA-PSS, DSA…),
 * `InvalidCurve`, `InvalidPublicKey` (RSA below 2048 bits or with an unsound exponent). Secrets may have any length:
 * how long they must be depends on the algorithm (`checkKeyFor`).
 */
export const keyFactsOf = (key: KeyObject): KeyFacts | JwtRefusal => {
  if (key.type === 'secret') {
    return { keyType: 'oct', bits: (key.symmetricKeySize ?? 0) * 8, curve: null, canSign: true };
  }
  const canSign = key.type === 'private';
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'ec') {
    const curve = KEY_CURVES.find((name) => CURVES[name].openSslName === namedCurve);
    return curve === undefined ? refusal('InvalidCurve') : { keyType: 'EC', bits: CURVES[curve].bits, curve, canSign };
  }
  return checkKeyFor('RS256', key) ?? { keyType: 'RSA', bits: modulusLength, curve: null, canSign };
};

const PROBE = Buffer.from('what one half signs the other half verifies');

/**
 * Whether the halves of a private key belong together. OpenSSL takes a JWK or PEM whose public half is another key's, and
 * no token signed with it would ever verify. True for a secret or a public key.
 */
export const isSoundPair = (key: KeyObject): boolean => {
  if (key.type !== 'private') return true;
  try {
    return verify('sha256', PROBE, createPublicKey(key), sign('sha256', PROBE, key));
  } catch {
    return false;
  }
};

/** The key as a JWK, with whatever is secret in it. */
export const jwkFromKey = (key: KeyObject): JsonObject => key.export({ format: 'jwk' }) as JsonObject;
