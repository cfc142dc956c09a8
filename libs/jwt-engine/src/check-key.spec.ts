import { createPublicKey, createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { checkKeyFor } from './check-key.ts';
import { type JwsAlgorithmName } from './jws-algorithms.ts';

const ec = (namedCurve: string): KeyObject => generateKeyPairSync('ec', { namedCurve }).publicKey;
const rsa = (modulusLength: number): KeyObject => generateKeyPairSync('rsa', { modulusLength }).publicKey;
const secret = (bytes: number): KeyObject => createSecretKey(Buffer.alloc(bytes, 1));

const keys = {
  'RSA 2048': rsa(2048),
  'RSA 1024': rsa(1024),
  'RSASSA-PSS 2048': generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey,
  'P-256': ec('prime256v1'),
  'P-384': ec('secp384r1'),
  'P-521': ec('secp521r1'),
  secp256k1: ec('secp256k1'),
  Ed25519: generateKeyPairSync('ed25519').publicKey,
  '31 bytes': secret(31),
  '32 bytes': secret(32),
  '47 bytes': secret(47),
  '48 bytes': secret(48),
  '63 bytes': secret(63),
  '64 bytes': secret(64),
};

const verdict = (algorithm: JwsAlgorithmName, key: KeyObject): string => checkKeyFor(algorithm, key)?.code ?? 'fits';

describe('checkKeyFor', () => {
  it.each([
    ['HS256', '31 bytes', 'InsufficientKeyLength'],
    ['HS256', '32 bytes', 'fits'],
    ['HS384', '47 bytes', 'InsufficientKeyLength'],
    ['HS384', '48 bytes', 'fits'],
    ['HS512', '63 bytes', 'InsufficientKeyLength'],
    ['HS512', '64 bytes', 'fits'],
    ['HS256', 'RSA 2048', 'WrongKeyType'],
    ['RS256', 'RSA 2048', 'fits'],
    ['PS512', 'RSA 2048', 'fits'],
    ['RS256', 'RSA 1024', 'InvalidPublicKey'],
    ['PS256', 'RSA 1024', 'InvalidPublicKey'],
    ['PS256', 'RSASSA-PSS 2048', 'WrongKeyType'],
    ['RS256', 'P-256', 'WrongKeyType'],
    ['RS256', '64 bytes', 'WrongKeyType'],
    ['ES256', 'P-256', 'fits'],
    ['ES384', 'P-384', 'fits'],
    ['ES512', 'P-521', 'fits'],
    ['ES256', 'P-384', 'InvalidCurve'],
    ['ES512', 'P-256', 'InvalidCurve'],
    ['ES256', 'secp256k1', 'InvalidCurve'],
    ['ES256', 'RSA 2048', 'WrongKeyType'],
    ['ES256', 'Ed25519', 'WrongKeyType'],
    ['ES256', '32 bytes', 'WrongKeyType'],
  ] as const)('%s with %s: %s', (algorithm, key, expected) => {
    expect(verdict(algorithm, keys[key])).toBe(expected);
  });

  it('refuses an RSA key whose exponent is 1, under which anybody can sign', () => {
    const n = keys['RSA 2048'].export({ format: 'jwk' }).n ?? '';
    const key = createPublicKey({ key: { kty: 'RSA', n, e: 'AQ' }, format: 'jwk' });
    expect(verdict('RS256', key)).toBe('InvalidPublicKey');
  });
});
