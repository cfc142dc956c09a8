import { algorithmsOf, signingFault } from './key-use.ts';
import type { StoredKey } from './key-store.events.ts';
import { storedKey } from '../testing/sample-key-store.ts';

const RSA = storedKey('rsa', { keyType: 'RSA', bits: 2048, curve: null });
const EC = storedKey('ec');
const secret = (bits: number) => storedKey('oct', { keyType: 'oct', bits, curve: null });

describe('what a key is good for', () => {
  it.each<[string, StoredKey, string]>([
    ['RSA', RSA, 'RS256 RS384 RS512 PS256 PS384 PS512'],
    ['P-256', EC, 'ES256'],
    ['P-384', storedKey('e', { curve: 'P-384', bits: 384 }), 'ES384'],
    ['P-521', storedKey('e', { curve: 'P-521', bits: 521 }), 'ES512'],
    ['a secret of 255 bits', secret(255), ''],
    ['a secret of 256 bits', secret(256), 'HS256'],
    ['a secret of 512 bits', secret(512), 'HS256 HS384 HS512'],
    ['RSA for RS384', { ...RSA, algorithm: 'RS384' }, 'RS384'],
  ])('%s', (_what, key, names) => {
    expect(algorithmsOf(key).join(' ')).toBe(names);
  });
});

describe('a policy that signs', () => {
  it.each<[string, StoredKey, string, string | undefined]>([
    ['with RS512 takes RSA', RSA, 'RS512', undefined],
    ['with ES256 takes P-256', EC, 'ES256', undefined],
    ['with HS384 takes 384 bits', secret(384), 'HS384', undefined],
    ['with ES256 does not take RSA', RSA, 'ES256', 'WrongKeyType'],
    ['with HS256 does not take RSA', RSA, 'HS256', 'WrongKeyType'],
    ['with ES384 does not take P-256', EC, 'ES384', 'InvalidCurve'],
    ['with HS384 does not take 256 bits', secret(256), 'HS384', 'InsufficientKeyLength'],
    ['with RS256 does not take a key for RS512', { ...RSA, algorithm: 'RS512' }, 'RS256', 'WrongAlgorithm'],
    ['with ES256 does not take a public key', { ...EC, material: null }, 'ES256', 'InvalidPrivateKey'],
  ])('%s', (_what, key, algorithm, code) => {
    expect(signingFault(key, algorithm)?.code).toBe(code);
  });

  it('is told what would fit', () => {
    expect(signingFault(EC, 'RS256')?.reason).toBe('is EC P-256 and is good for ES256, not for RS256');
    expect(signingFault(secret(128), 'HS256')?.reason).toContain('good for no algorithm');
  });
});
