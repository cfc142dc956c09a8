import { createCipheriv, createSecretKey, generateKeyPairSync, type KeyObject, pbkdf2Sync } from 'node:crypto';
import { CompactEncrypt } from 'jose';
import { JWE_KEY_ALGORITHM_NAMES, type JweKeyAlgorithmName, MAX_PBKDF2_ITERATIONS } from '../jwe-algorithms.ts';
import { handMadeEncryptedToken } from '../testing/hand-made-encrypted-token.ts';
import { checkDecryptionKeyFor } from './check-decryption-key.ts';
import { compileEncryptedVerifier } from './compile-encrypted-verifier.ts';
import { type EncryptionRules } from './encrypted-verifier-options.ts';

const FAILED = { ok: false, code: 'DecryptionFailed' };
const secret = (bytes: number): KeyObject => createSecretKey(Buffer.alloc(bytes, 1));
const ec = (namedCurve: string): KeyObject => generateKeyPairSync('ec', { namedCurve }).privateKey;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const shortRsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey;
const ownEc = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const montgomery = generateKeyPairSync('x25519').privateKey;

type Fitness = [algorithm: JweKeyAlgorithmName, name: string, key: KeyObject, code: string | undefined];
const FITS = undefined;

describe('checkDecryptionKeyFor', () => {
  it.each<Fitness>([
    ['dir', 'a secret of some content’s length', secret(48), FITS],
    ['dir', 'a secret of no content’s length', secret(20), 'InvalidSecretKey'],
    ['dir', 'an empty secret', secret(0), 'InvalidSecretKey'],
    ['dir', 'an RSA key', rsa.privateKey, 'WrongKeyType'],
    ['A128KW', '16 bytes', secret(16), FITS],
    ['A128KW', '17 bytes', secret(17), 'InvalidSecretKey'],
    ['A192KW', '16 bytes', secret(16), 'InvalidSecretKey'],
    ['A256GCMKW', '32 bytes', secret(32), FITS],
    ['A256GCMKW', '64 bytes', secret(64), 'InvalidSecretKey'],
    ['A256GCMKW', 'nothing', secret(0), 'InvalidSecretKey'],
    ['A256GCMKW', 'an EC key', ec('P-256'), 'WrongKeyType'],
    ['PBES2-HS256+A128KW', 'one byte', secret(1), FITS],
    ['PBES2-HS256+A128KW', 'an empty password', secret(0), 'InvalidPasswordKey'],
    ['PBES2-HS256+A128KW', 'an RSA key', rsa.privateKey, 'WrongKeyType'],
    ['RSA-OAEP-256', '2048 bits', rsa.privateKey, FITS],
    ['RSA-OAEP-256', 'the public key', rsa.publicKey, 'InvalidPrivateKey'],
    ['RSA-OAEP-256', '1024 bits', shortRsa, 'InvalidPrivateKey'],
    ['RSA-OAEP-256', 'a key for PSS alone', pss, 'WrongKeyType'],
    ['RSA-OAEP-256', 'a secret', secret(32), 'WrongKeyType'],
    ['RSA-OAEP-256', 'an EC key', ec('P-256'), 'WrongKeyType'],
    ['ECDH-ES', 'P-256', ec('P-256'), FITS],
    ['ECDH-ES+A128KW', 'P-384', ec('P-384'), FITS],
    ['ECDH-ES+A256KW', 'P-521', ec('P-521'), FITS],
    ['ECDH-ES', 'P-224', ec('P-224'), 'InvalidCurve'],
    ['ECDH-ES', 'secp256k1', ec('secp256k1'), 'InvalidCurve'],
    ['ECDH-ES', 'X25519', montgomery, 'WrongKeyType'],
    ['ECDH-ES', 'the public key', ownEc.publicKey, 'InvalidPrivateKey'],
    ['ECDH-ES', 'a secret', secret(32), 'WrongKeyType'],
  ])('for %s judges %s', (algorithm, _name, key, code) => {
    expect(checkDecryptionKeyFor(algorithm, key)?.code).toBe(code);
  });

  it('for dir judges the length by the content algorithm, where that is given', () => {
    expect(checkDecryptionKeyFor('dir', secret(32), 'A256GCM')).toBeUndefined();
    expect(checkDecryptionKeyFor('dir', secret(32), 'A128CBC-HS256')).toBeUndefined();
    expect(checkDecryptionKeyFor('dir', secret(16), 'A256GCM')?.code).toBe('InvalidSecretKey');
  });
});

describe('a key that does not fit', () => {
  it('is said before anything is decrypted, for every algorithm', async () => {
    const key = generateKeyPairSync('ed25519').privateKey;
    for (const keyAlgorithm of JWE_KEY_ALGORITHM_NAMES) {
      const token = handMadeEncryptedToken({
        header: { alg: keyAlgorithm, enc: 'A256GCM', p2c: 0 },
        payload: {},
        contentKey: Buffer.alloc(32),
      });
      const verify = compileEncryptedVerifier({ encryption: { keyAlgorithm }, key });
      expect(await verify(token, 0)).toEqual({ ok: false, code: 'WrongKeyType' });
    }
  });

  it('for dir is told by the token’s enc (K28)', async () => {
    const verify = compileEncryptedVerifier({ encryption: { keyAlgorithm: 'dir' }, key: secret(16) });
    const header = { alg: 'dir', enc: 'A256GCM' };
    const token = handMadeEncryptedToken({ header, payload: {}, contentKey: Buffer.alloc(32), tagBytes: 4 });
    expect(await verify(token, 0)).toEqual({ ok: false, code: 'InvalidSecretKey' });
  });
});

describe('PBES2', () => {
  const password = Buffer.from('correct horse');
  const alg = 'PBES2-HS256+A128KW';
  const contentKey = Buffer.alloc(32, 5);

  /** Whatever salt and count are: the derivation is only made where OpenSSL makes one. */
  const tokenWith = (p2s: unknown, p2c: unknown): string => {
    const salt = Buffer.from(typeof p2s === 'string' ? p2s : '', 'base64url');
    const rounds = typeof p2c === 'number' && p2c >= 1 && p2c <= 20_000 ? Math.trunc(p2c) : 1;
    const wrapping = pbkdf2Sync(password, Buffer.concat([Buffer.from(`${alg}\0`), salt]), rounds, 16, 'sha256');
    const cipher = createCipheriv('aes128-wrap', wrapping, Buffer.alloc(8, 0xa6));
    const encryptedKey = Buffer.concat([cipher.update(contentKey), cipher.final()]);
    return handMadeEncryptedToken({ header: { alg, enc: 'A256GCM', p2s, p2c }, payload: {}, contentKey, encryptedKey });
  };
  const judge = async (p2s: unknown, p2c: unknown, rules: Partial<EncryptionRules> = {}): Promise<unknown> => {
    const encryption = { keyAlgorithm: alg, ...rules } as const;
    const result = await compileEncryptedVerifier({ encryption, key: createSecretKey(password) })(
      tokenWith(p2s, p2c),
      0,
    );
    return result.ok ? 'ok' : result.code;
  };
  const salt = (bytes: number): string => Buffer.alloc(bytes, 2).toString('base64url');

  it('opens a token of the demanded salt and count, and of any where none is demanded (K31)', async () => {
    expect(await judge(salt(8), 10_000)).toBe('ok');
    expect(await judge(salt(16), 1, { saltBytes: 16, iterationCount: 1 })).toBe('ok');
    expect(await judge(salt(64), 1)).toBe('ok');
  });

  it.each<[string, unknown, Partial<EncryptionRules>]>([
    ['another length than the demanded (K29)', salt(8), { saltBytes: 16 }],
    ['seven bytes', salt(7), {}],
    ['seven bytes, even where they are demanded', salt(7), { saltBytes: 7 }],
    ['nothing', '', {}],
  ])('refuses a salt of %s', async (_name, p2s, rules) => {
    expect(await judge(p2s, 1, rules)).toBe('InvalidSaltLength');
  });

  it.each([undefined, 7, null, 'AAAAAAAAAAA=', 'AAAA+AAAAAA', 'AAAAAAAAAAB'])(
    'does not open with the p2s %j',
    async (p2s) => {
      expect(await judge(p2s, 1)).toBe('DecryptionFailed');
    },
  );

  it.each<[unknown, Partial<EncryptionRules>]>([
    [10_000, { iterationCount: 20_000 }],
    [0, {}],
    [0, { iterationCount: 0 }],
    [-1, {}],
    [1.5, {}],
    ['1', {}],
    [null, {}],
    [undefined, {}],
    [true, {}],
    [[1], {}],
    [MAX_PBKDF2_ITERATIONS + 1, {}],
    [1e9, {}],
    [1e9, { iterationCount: 1e9 }],
    [1e300, {}],
  ])('refuses the count %j under %j before deriving anything', async (p2c, rules) => {
    expect(await judge(salt(8), p2c, rules)).toBe('InvalidIterationCount');
  });

  it('says the salt before the count', async () => {
    expect(await judge(salt(7), 0)).toBe('InvalidSaltLength');
  });
});

describe('ECDH-ES', () => {
  const verify = compileEncryptedVerifier({ encryption: { keyAlgorithm: 'ECDH-ES' }, key: ownEc.privateKey });
  const headerOf = (token: string): { epk: Record<string, unknown> } =>
    JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { epk: Record<string, unknown> };
  const encrypt = async (): Promise<string> =>
    new CompactEncrypt(Buffer.from('{}'))
      .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A128GCM' })
      .encrypt(ownEc.publicKey);
  const withPoint = async (epk: unknown): Promise<unknown> => {
    const token = await encrypt();
    const header = Buffer.from(JSON.stringify({ ...headerOf(token), epk })).toString('base64url');
    return verify(token.split('.').with(0, header).join('.'), 0);
  };

  it('does not open with a point that is not on the curve', async () => {
    const { epk } = headerOf(await encrypt());
    const zero = Buffer.alloc(32).toString('base64url');
    const one = Buffer.concat([Buffer.alloc(31), Buffer.of(1)]).toString('base64url');
    const top = Buffer.alloc(32, 255).toString('base64url');
    for (const [x, y] of [
      [epk['x'], epk['x']],
      [zero, zero],
      [one, one],
      [zero, top],
      [top, top],
      [epk['y'], epk['x']],
    ]) {
      expect(await withPoint({ ...epk, x, y })).toEqual(FAILED);
    }
  });

  it('does not open with a point of another curve, whatever it calls itself', async () => {
    for (const namedCurve of ['P-384', 'P-521', 'secp256k1']) {
      const jwk = generateKeyPairSync('ec', { namedCurve }).publicKey.export({ format: 'jwk' });
      expect(await withPoint(jwk)).toEqual(FAILED);
      expect(await withPoint({ ...jwk, crv: 'P-256' })).toEqual(FAILED);
    }
    expect(await withPoint(generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' }))).toEqual(FAILED);
  });

  it.each([undefined, null, 'x', [], {}, { kty: 'EC', crv: 'P-256' }, { kty: 'oct', k: 'AA' }])(
    'does not open with the epk %j',
    async (epk) => {
      expect(await withPoint(epk)).toEqual(FAILED);
    },
  );

  it('does not open with coordinates that lost or gained a zero', async () => {
    const { epk } = headerOf(await encrypt());
    const x = Buffer.from(String(epk['x']), 'base64url');
    for (const bytes of [Buffer.concat([Buffer.of(0), x]), x.subarray(1), Buffer.alloc(0)]) {
      expect(await withPoint({ ...epk, x: bytes.toString('base64url') })).toEqual(FAILED);
    }
  });

  it.each([{ apu: 1 }, { apv: 'A===' }, { apu: null }])('does not open under %j', async (parties) => {
    const token = await encrypt();
    const header = Buffer.from(JSON.stringify({ ...headerOf(token), ...parties })).toString('base64url');
    expect(await verify(token.split('.').with(0, header).join('.'), 0)).toEqual(FAILED);
  });

  it('opens tokens whose agreed secret begins with zeros, on each curve', async () => {
    for (const namedCurve of ['P-256', 'P-384', 'P-521']) {
      const pair = generateKeyPairSync('ec', { namedCurve });
      const open = compileEncryptedVerifier({ encryption: { keyAlgorithm: 'ECDH-ES' }, key: pair.privateKey });
      for (let round = 0; round < (namedCurve === 'P-256' ? 400 : 5); round += 1) {
        const encryptor = new CompactEncrypt(Buffer.from('{}')).setProtectedHeader({ alg: 'ECDH-ES', enc: 'A128GCM' });
        expect((await open(await encryptor.encrypt(pair.publicKey), 0)).ok).toBe(true);
      }
    }
  });
});

describe('AES GCM key wrap', () => {
  const wrappingKey = Buffer.alloc(32, 3);
  const contentKey = Buffer.alloc(32, 4);
  const verify = compileEncryptedVerifier({
    encryption: { keyAlgorithm: 'A256GCMKW' },
    key: createSecretKey(wrappingKey),
  });
  const tokenWith = (vectorBytes: number, tagBytes: number): string => {
    const vector = Buffer.alloc(vectorBytes, 6);
    const cipher = createCipheriv('aes-256-gcm', wrappingKey, vector);
    const encryptedKey = Buffer.concat([cipher.update(contentKey), cipher.final()]);
    const tag = cipher.getAuthTag().subarray(0, tagBytes).toString('base64url');
    const header = { alg: 'A256GCMKW', enc: 'A256GCM', iv: vector.toString('base64url'), tag };
    return handMadeEncryptedToken({ header, payload: {}, contentKey, encryptedKey });
  };

  it('opens with a vector of 12 and a tag of 16 bytes', async () => {
    expect((await verify(tokenWith(12, 16), 0)).ok).toBe(true);
  });

  it.each([4, 8, 12, 13, 14, 15])('does not open with %i bytes of the right tag', async (bytes) => {
    expect(await verify(tokenWith(12, bytes), 0)).toEqual(FAILED);
  });

  it.each([8, 11, 13, 16])('does not open with a vector of %i bytes', async (bytes) => {
    expect(await verify(tokenWith(bytes, 16), 0)).toEqual(FAILED);
  });
});
