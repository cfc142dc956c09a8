import { calculateJwkThumbprint, jwtVerify } from 'jose';
import { compileSigner, UnusableSigningKey } from './compile-signer.ts';
import { compileVerifier } from './compile-verifier.ts';
import { JWS_ALGORITHM_NAMES, type JwsAlgorithmName, jwsFamily } from './jws-algorithms.ts';
import { type JsonObject } from './json-value.ts';
import {
  BrokenSigningKey,
  generateSigningKey,
  generateSigningKeyAside,
  publicJwk,
  signingKeyFromJwk,
} from './signing-keys.ts';

const generated = new Map(JWS_ALGORITHM_NAMES.map((name) => [name, generateSigningKey(name)]));
const keyOf = (name: JwsAlgorithmName) => {
  const key = generated.get(name);
  if (key === undefined) throw new Error(name);
  return key;
};
const fault = (run: () => unknown): unknown => {
  try {
    return run();
  } catch (thrown) {
    return thrown;
  }
};

describe('generateSigningKey', () => {
  it.each(JWS_ALGORITHM_NAMES)('makes a key for %s that signs, verifies and says what it is', async (name) => {
    const { algorithm, keyId, jwk } = keyOf(name);
    expect(algorithm).toBe(name);
    expect(jwk).toMatchObject({ kid: keyId, alg: name, use: 'sig' });
    const key = signingKeyFromJwk(jwk);
    expect([key.algorithm, key.keyId]).toEqual([name, keyId]);
    const token = compileSigner({ algorithm: name, key: key.signing, keyId })({ sub: 'alice' });
    const verify = compileVerifier({ algorithms: [name], key: key.verification });
    expect(verify(token, 0)).toMatchObject({ ok: true, jwt: { claims: { sub: 'alice' }, header: { kid: keyId } } });
    await expect(jwtVerify(token, key.verification, { algorithms: [name] })).resolves.toMatchObject({
      payload: { sub: 'alice' },
    });
  });

  it.each(JWS_ALGORITHM_NAMES.filter((name) => jwsFamily(name) !== 'HS'))(
    'names a %s key by its RFC 7638 thumbprint',
    async (name) => {
      expect(keyOf(name).keyId).toBe(await calculateJwkThumbprint(keyOf(name).jwk, 'sha256'));
    },
  );

  it.each([
    ['HS256', 32],
    ['HS384', 48],
    ['HS512', 64],
  ] as const)('makes a %s secret of %i random bytes under an id that tells nothing of it', (name, bytes) => {
    const { jwk, keyId } = keyOf(name);
    expect(signingKeyFromJwk(jwk).signing.symmetricKeySize).toBe(bytes);
    expect(keyId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
    expect(generateSigningKey(name).jwk['k']).not.toBe(jwk['k']);
  });

  it('makes RSA keys of 2048 bits', () => {
    expect(signingKeyFromJwk(keyOf('PS384').jwk).verification.asymmetricKeyDetails?.modulusLength).toBe(2048);
  });
});

describe('generateSigningKeyAside', () => {
  it('makes a key as generateSigningKey does', async () => {
    for (const name of JWS_ALGORITHM_NAMES) {
      const { algorithm, keyId, jwk } = await generateSigningKeyAside(name);
      const members = (one: object) => Object.keys(one).sort();
      expect([algorithm, members(jwk)]).toEqual([name, members(keyOf(name).jwk)]);
      expect(signingKeyFromJwk(jwk)).toMatchObject({ algorithm: name, keyId });
    }
  });

  it('lets others go on while an RSA key is made', async () => {
    let hasGoneOn = false;
    setImmediate(() => (hasGoneOn = true));
    await generateSigningKeyAside('RS256');
    expect(hasGoneOn).toBe(true);
  });
});

describe('publicJwk', () => {
  it.each([
    ['RS256', ['alg', 'e', 'kid', 'kty', 'n', 'use']],
    ['ES512', ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']],
  ] as const)('shows of a %s key only what is public', (name, members) => {
    expect(Object.keys(publicJwk(keyOf(name).jwk) ?? {}).sort()).toEqual(members);
  });

  it('shows nothing of a secret', () => {
    expect(publicJwk(keyOf('HS256').jwk)).toBeUndefined();
    expect(publicJwk({ kty: 'OKP', x: 'AA', d: 'AA' })).toBeUndefined();
  });
});

describe('signingKeyFromJwk', () => {
  const broken = (from: JwsAlgorithmName, change: Record<string, unknown>): unknown => {
    const jwk = Object.fromEntries(
      Object.entries({ ...keyOf(from).jwk, ...change }).filter(([, value]) => value !== undefined),
    ) as JsonObject;
    return fault(() => signingKeyFromJwk(jwk));
  };

  it.each([
    ['no alg', 'RS256', { alg: undefined }, 'alg'],
    ['an unknown alg', 'RS256', { alg: 'none' }, 'alg'],
    ['no kid', 'RS256', { kid: undefined }, 'kid'],
    ['an unknown kind', 'RS256', { kty: 'OKP' }, 'kty'],
    ['the kind of another family', 'RS256', { alg: 'ES256' }, 'kty'],
    ['another curve', 'ES384', { alg: 'ES256' }, 'key'],
    ['only the public half', 'ES256', { d: undefined }, 'key'],
    ['broken material', 'ES256', { x: 'AA' }, 'key'],
    ['material of another type', 'RS256', { d: 5 }, 'key'],
    ['a secret too short', 'HS256', { k: 'AAAA' }, 'key'],
    ['a secret that is not base64url', 'HS256', { k: '====' }, 'key'],
  ] as const)('throws for a JWK with %s', (_what, from, change, member) => {
    const thrown = broken(from, change);
    expect(thrown).toBeInstanceOf(BrokenSigningKey);
    expect(thrown).toMatchObject({ code: 'BROKEN_SIGNING_KEY', member });
  });

  it('keeps every value of the JWK out of the error', () => {
    const thrown = broken('HS256', { k: 'hunter2hunter2+' }) as Error;
    expect([thrown.message, thrown.stack, thrown.cause].join()).not.toContain('hunter2');
  });
});

describe('compileSigner', () => {
  const secret = signingKeyFromJwk(keyOf('HS256').jwk).signing;
  const headerOf = (token: string): unknown =>
    JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString());

  it('writes alg, typ and kid, and leaves out what it was not told', () => {
    expect(headerOf(compileSigner({ algorithm: 'HS256', key: secret, keyId: 'k', type: 'at+jwt' })({}))).toEqual({
      alg: 'HS256',
      typ: 'at+jwt',
      kid: 'k',
    });
    expect(headerOf(compileSigner({ algorithm: 'HS256', key: secret })({}))).toEqual({ alg: 'HS256' });
  });

  it('refuses a key that does not fit', () => {
    const thrown = fault(() => compileSigner({ algorithm: 'HS512', key: secret }));
    expect(thrown).toBeInstanceOf(UnusableSigningKey);
    expect(thrown).toMatchObject({ code: 'UNUSABLE_SIGNING_KEY', fault: 'InsufficientKeyLength' });
  });

  it('refuses a public key', () => {
    const { verification } = signingKeyFromJwk(keyOf('ES256').jwk);
    expect(fault(() => compileSigner({ algorithm: 'ES256', key: verification }))).toMatchObject({
      code: 'UNUSABLE_SIGNING_KEY',
      fault: 'InvalidPrivateKey',
    });
  });

  it('refuses an algorithm that does not exist', () => {
    expect(() => compileSigner({ algorithm: 'none' as 'HS256', key: secret })).toThrow(RangeError);
  });
});
