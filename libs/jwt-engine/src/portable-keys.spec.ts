import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type JsonObject } from './json-value.ts';
import { generateKey, isSoundPair, jwkFromKey, keyFactsOf, keyFromJwk, type KeyKind } from './portable-keys.ts';
import { jwkThumbprint } from './signing-keys.ts';

const KINDS: readonly KeyKind[] = [
  { keyType: 'RSA', bits: 2048 },
  { keyType: 'RSA', bits: 3072 },
  { keyType: 'EC', curve: 'P-256' },
  { keyType: 'EC', curve: 'P-384' },
  { keyType: 'EC', curve: 'P-521' },
  { keyType: 'oct', bits: 192 },
];
const ecPair = (namedCurve = 'prime256v1') => generateKeyPairSync('ec', { namedCurve });
const factsOfJwk = (jwk: JsonObject) => {
  const key = keyFromJwk(jwk);
  return 'ok' in key ? key : keyFactsOf(key);
};

describe('a generated key', () => {
  it.each(KINDS)('is what was asked for, and goes through a JWK unchanged: %j', async (kind) => {
    const key = await generateKey(kind);
    expect(keyFactsOf(key)).toMatchObject({ ...kind, canSign: true });
    const jwk = jwkFromKey(key);
    const read = keyFromJwk(jwk) as KeyObject;
    expect(read.equals(key)).toBe(true);
    expect(isSoundPair(read)).toBe(true);
  });

  it.each(KINDS.filter(({ keyType }) => keyType === 'RSA'))('is made while others are served: %j', async (kind) => {
    let isOtherWorkDone = false;
    setImmediate(() => (isOtherWorkDone = true));
    await generateKey(kind);
    expect(isOtherWorkDone).toBe(true);
  });

  it('is another one each time', async () => {
    const kind = { keyType: 'oct', bits: 256 } as const;
    expect((await generateKey(kind)).equals(await generateKey(kind))).toBe(false);
  });
});

describe('facts of a key', () => {
  it('tell a public half from a private one', () => {
    const { publicKey } = ecPair('secp384r1');
    expect(keyFactsOf(publicKey)).toEqual({ keyType: 'EC', bits: 384, curve: 'P-384', canSign: false });
  });

  it.each([
    ['Ed25519', () => generateKeyPairSync('ed25519').privateKey, 'WrongKeyType'],
    ['secp256k1', () => ecPair('secp256k1').privateKey, 'InvalidCurve'],
    ['RSA of 1024 bits', () => generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey, 'InvalidPublicKey'],
    ['RSASSA-PSS', () => generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey, 'WrongKeyType'],
  ] as const)('refuse %s', (_what, make, code) => {
    expect(keyFactsOf(make())).toMatchObject({ ok: false, code });
  });
});

describe('a JWK', () => {
  const own = jwkFromKey(ecPair().privateKey);
  it.each([
    ['an unknown kind', { kty: 'OKP', crv: 'Ed25519', x: 'AA' }, 'WrongKeyType'],
    ['no kind', {}, 'WrongKeyType'],
    ['an unknown curve', { ...own, crv: 'secp256k1' }, 'InvalidCurve'],
    ['a secret that is not base64url', { kty: 'oct', k: '====' }, 'InvalidSecretKey'],
    ['an empty secret', { kty: 'oct', k: '' }, 'InvalidSecretKey'],
    ['a broken private half', { ...own, d: 5 }, 'InvalidPrivateKey'],
    ['a broken public key', { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' }, 'KeyParsingFailed'],
  ] as const)('with %s is refused', (_what, jwk, code) => {
    expect(factsOfJwk(jwk as JsonObject)).toMatchObject({ ok: false, code });
  });

  it('whose halves are of two keys is no sound pair', () => {
    const { x = null, y = null } = jwkFromKey(ecPair().publicKey);
    const mixed = keyFromJwk({ ...own, x, y });
    expect('ok' in mixed || !isSoundPair(mixed)).toBe(true);
    const rsa = () => jwkFromKey(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey);
    const { n = null } = rsa();
    const broken = keyFromJwk({ ...rsa(), n });
    expect('ok' in broken || !isSoundPair(broken)).toBe(true);
  });

  it('has the thumbprint of its public half, and none when it is a secret', () => {
    const half = jwkFromKey(createPublicKey(keyFromJwk(own) as KeyObject));
    expect(jwkThumbprint(own)).toBe(jwkThumbprint(half));
    expect(jwkThumbprint(own)).toHaveLength(43);
    expect(jwkThumbprint({ kty: 'oct', k: 'c2VjcmV0' })).toBeUndefined();
  });
});
