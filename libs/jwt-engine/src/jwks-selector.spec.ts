import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type KeySelector } from './compile-verifier.ts';
import { jwksSelectorFrom, readJwks, type ReadJwks } from './jwks-selector.ts';
import { type JwsAlgorithmName } from './jws-algorithms.ts';
import { type JsonObject } from './json-value.ts';
import { type JwtRefusal } from './jwt-refusal.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const otherRsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const jwk = (key: KeyObject, more: JsonObject): JsonObject => ({
  ...(key.export({ format: 'jwk' }) as JsonObject),
  ...more,
});

const selectorOf = (keys: readonly unknown[]): KeySelector<unknown> => {
  const selector = jwksSelectorFrom(JSON.stringify({ keys }));
  if (typeof selector !== 'function') throw new Error(selector.code);
  return selector;
};
const verdict = (found: KeyObject | JwtRefusal): string => ('ok' in found ? found.code : 'found');
const select = (keys: readonly unknown[], algorithm: JwsAlgorithmName, header: JsonObject) =>
  selectorOf(keys)(header, algorithm, undefined);

describe('jwksSelectorFrom', () => {
  it.each([
    ['one bare JWK', JSON.stringify(jwk(rsa.publicKey, { kid: 'a' }))],
    ['an address', 'https://idp.example/jwks.json'],
    ['an array of JWKs', JSON.stringify([jwk(rsa.publicKey, { kid: 'a' })])],
    ['keys by name', JSON.stringify({ keys: { a: jwk(rsa.publicKey, {}) } })],
    ['a map of certificates', JSON.stringify({ a: '-----BEGIN CERTIFICATE-----' })],
    ['null', 'null'],
    ['nothing', ''],
  ])('answers InvalidKeyConfiguration for %s', (_what, text) => {
    expect(jwksSelectorFrom(text)).toEqual({ ok: false, code: 'InvalidKeyConfiguration' });
  });

  it('finds a key by kid and gives the same object every time', () => {
    const selector = selectorOf([jwk(rsa.publicKey, { kid: 'a' }), jwk(otherRsa.publicKey, { kid: 'b' })]);
    const found = selector({ kid: 'b' }, 'RS256', undefined);
    expect('ok' in found ? found.code : found.equals(otherRsa.publicKey)).toBe(true);
    expect(selector({ kid: 'b' }, 'PS512', undefined)).toBe(found);
  });

  it.each([
    ['is absent', {}],
    ['is empty', { kid: '' }],
    ['is no string', { kid: 1 }],
  ])('answers KeyIdMissing when the kid %s, even with a single key', (_what, header) => {
    expect(verdict(select([jwk(rsa.publicKey, { kid: '' })], 'RS256', header))).toBe('KeyIdMissing');
  });

  it.each(['b', 'A', 'a ', '__proto__', 'constructor'])('answers NoMatchingPublicKey for the unknown kid %j', (kid) => {
    expect(verdict(select([jwk(rsa.publicKey, { kid: 'a' })], 'RS256', { kid }))).toBe('NoMatchingPublicKey');
  });

  it('finds nothing in an empty set', () => {
    expect(verdict(select([], 'RS256', { kid: 'a' }))).toBe('NoMatchingPublicKey');
  });

  it('answers WrongKeyType when no key of the kid is of the type of the algorithm', () => {
    const keys = [jwk(ec.publicKey, { kid: 'a' }), jwk(generateKeyPairSync('ed25519').publicKey, { kid: 'o' })];
    expect(verdict(select(keys, 'RS256', { kid: 'a' }))).toBe('WrongKeyType');
    expect(verdict(select(keys, 'ES256', { kid: 'o' }))).toBe('WrongKeyType');
  });

  it('never hands out an oct key, not even to an HS algorithm', () => {
    const keys = [{ kty: 'oct', k: 'A'.repeat(86), kid: 'a' }];
    expect(verdict(select(keys, 'HS256', { kid: 'a' }))).toBe('WrongKeyType');
    expect(verdict(select(keys, 'RS256', { kid: 'a' }))).toBe('WrongKeyType');
  });

  it('takes, of several keys with one kid, the first whose type fits', () => {
    const keys = [
      { kty: 'oct', k: 'AAAA', kid: 'a' },
      jwk(ec.publicKey, { kid: 'a' }),
      jwk(rsa.publicKey, { kid: 'a' }),
      jwk(otherRsa.publicKey, { kid: 'a' }),
    ];
    const found = select(keys, 'RS256', { kid: 'a' });
    expect('ok' in found ? found.code : found.equals(rsa.publicKey)).toBe(true);
    expect(verdict(select(keys, 'ES256', { kid: 'a' }))).toBe('found');
  });

  it('answers InvalidCurve for a curve that JWS does not use', () => {
    const keys = [jwk(ec.publicKey, { kid: 'a', crv: 'P-192' }), jwk(ec.publicKey, { kid: 'b', crv: 'secp256k1' })];
    expect(verdict(select(keys, 'ES256', { kid: 'a' }))).toBe('InvalidCurve');
    expect(verdict(select(keys, 'ES256', { kid: 'b' }))).toBe('InvalidCurve');
  });

  it('lets broken members spoil only themselves', () => {
    const keys = [null, 'x', [], {}, { kty: 'RSA', kid: 'broken' }, { kid: 7 }, jwk(rsa.publicKey, { kid: 'a' })];
    expect(verdict(select(keys, 'RS256', { kid: 'a' }))).toBe('found');
    expect(verdict(select(keys, 'RS256', { kid: 'broken' }))).toBe('KeyParsingFailed');
  });

  it('does not look at use and alg', () => {
    const keys = [jwk(rsa.publicKey, { kid: 'a', use: 'enc', alg: 'RSA-OAEP' })];
    expect(verdict(select(keys, 'RS256', { kid: 'a' }))).toBe('found');
  });

  it('hands out only the public half of a private member', () => {
    const found = select([jwk(rsa.privateKey, { kid: 'a' })], 'RS256', { kid: 'a' });
    expect('ok' in found ? found.code : found.type).toBe('public');
  });

  it('ignores keys that the token itself brings', () => {
    const header = { kid: 'a', jwk: jwk(otherRsa.publicKey, {}), jku: 'https://attacker.example/', x5c: ['AAAA'] };
    const found = select([jwk(rsa.publicKey, { kid: 'a' })], 'RS256', header);
    expect('ok' in found ? found.code : found.equals(rsa.publicKey)).toBe(true);
  });
});

describe('a set that is read after another one', () => {
  const read = (keys: readonly unknown[], earlier?: ReadJwks): ReadJwks => {
    const set = readJwks(JSON.stringify({ keys }), earlier);
    if ('ok' in set) throw new Error(set.code);
    return set;
  };
  const keyOf = ({ select: find }: ReadJwks, algorithm: JwsAlgorithmName = 'RS256', kid = 'a') =>
    find({ kid }, algorithm, undefined);
  const first = read([jwk(rsa.publicKey, { kid: 'a' }), jwk(ec.publicKey, { kid: 'e' })]);

  it('has the same objects for the same keys, in another order and with other words about them', () => {
    const key = keyOf(first);
    const second = read([jwk(ec.publicKey, { kid: 'e' }), jwk(rsa.publicKey, { use: 'sig', kid: 'a' })], first);
    expect(keyOf(second)).toBe(key);
    expect(keyOf(second, 'ES256', 'e')).toBe(keyOf(first, 'ES256', 'e'));
    expect(keyOf(read([jwk(rsa.publicKey, { kid: 'a' })], read([], first)))).not.toBe(key);
  });

  it.each<[string, JsonObject, JwsAlgorithmName, string]>([
    ['another modulus', jwk(otherRsa.publicKey, { kid: 'a' }), 'RS256', 'found'],
    ['another exponent', jwk(rsa.publicKey, { kid: 'a', e: 'Aw' }), 'RS256', 'found'],
    ['another type', jwk(ec.publicKey, { kid: 'a' }), 'ES256', 'found'],
    ['no modulus', { kty: 'RSA', kid: 'a', e: 'AQAB' }, 'RS256', 'KeyParsingFailed'],
    ['another kid', jwk(rsa.publicKey, { kid: 'b' }), 'RS256', 'NoMatchingPublicKey'],
  ])('has another object for %s', (_what, changed, algorithm, expected) => {
    const found = keyOf(read([changed], first), algorithm);
    expect(verdict(found)).toBe(expected);
    expect(found).not.toBe(keyOf(first));
    expect(found).toEqual(keyOf(read([changed]), algorithm));
  });

  it.each(['crv', 'x', 'y'])('has no key of before when %s is another', (name) => {
    const changed = jwk(ec.publicKey, { kid: 'e', [name]: name === 'crv' ? 'P-384' : 'AAAA' });
    expect(verdict(keyOf(first, 'ES256', 'e'))).toBe('found');
    expect(verdict(keyOf(read([changed], first), 'ES256', 'e'))).toBe('KeyParsingFailed');
  });
});
