import { KeyObject, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import {
  CERTIFICATE,
  PASSWORD,
  PKCS12_3DES,
  PKCS12_AES,
  PKCS12_COSTLY,
  PKCS12_PLAIN,
  PKCS12_WITHOUT_KEY,
} from './testing/key-files.ts';
import { readKey, type KeySource } from './read-key.ts';

const EC = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 });
const CERTIFIED = new X509Certificate(CERTIFICATE).publicKey;
const pem = (key: KeyObject, options: object) =>
  key.export({ format: 'pem', ...options } as never) as unknown as string;
const pkcs8 = { type: 'pkcs8' };
const encrypted = { cipher: 'aes-256-cbc', passphrase: PASSWORD };

const read = (sourceType: KeySource['sourceType'], content: string, password?: string) =>
  readKey({ sourceType, content, password });
const keyIn = (...from: Parameters<typeof read>): KeyObject => {
  const reading = read(...from);
  if ('fault' in reading) throw new Error(reading.fault.message);
  return reading.key;
};
const faultIn = (...from: Parameters<typeof read>) => {
  const reading = read(...from);
  return 'fault' in reading ? [reading.fault.field, reading.fault.code] : reading;
};

describe('PEM', () => {
  it.each([
    ['PKCS#8', pem(EC.privateKey, pkcs8), EC.privateKey, undefined],
    ['PKCS#1', pem(RSA.privateKey, { type: 'pkcs1' }), RSA.privateKey, undefined],
    ['SEC1', pem(EC.privateKey, { type: 'sec1' }), EC.privateKey, undefined],
    ['encrypted PKCS#8', pem(EC.privateKey, { ...pkcs8, ...encrypted }), EC.privateKey, PASSWORD],
    ['encrypted PKCS#1', pem(RSA.privateKey, { type: 'pkcs1', ...encrypted }), RSA.privateKey, PASSWORD],
    ['a public key', pem(EC.publicKey, { type: 'spki' }), EC.publicKey, undefined],
  ] as const)('is read as %s', (_what, content, key, password) => {
    expect(keyIn('PEM', content, password).equals(key)).toBe(true);
  });

  it.each([
    ['no PEM', 'hunter2', undefined, 'content', 'KeyParsingFailed'],
    ['encrypted without a password', pem(EC.privateKey, { ...pkcs8, ...encrypted }), undefined, 'password', 'required'],
    ['old, encrypted without', pem(RSA.privateKey, { type: 'pkcs1', ...encrypted }), undefined, 'password', 'required'],
    ['of a wrong password', pem(EC.privateKey, { ...pkcs8, ...encrypted }), 'no', 'password', 'wrong_password'],
    ['old, of a wrong one', pem(RSA.privateKey, { type: 'pkcs1', ...encrypted }), 'no', 'password', 'wrong_password'],
    ['broken', pem(EC.privateKey, pkcs8).replace('MIG', 'MIH'), undefined, 'content', 'InvalidPrivateKey'],
  ] as const)('is refused when it is %s', (_what, content, password, field, code) => {
    expect(faultIn('PEM', content, password)).toEqual([field, code]);
  });
});

describe('a certificate', () => {
  it('gives its public key', () => {
    expect(keyIn('CERTIFICATE', CERTIFICATE).equals(CERTIFIED)).toBe(true);
  });

  it.each([
    ['text', 'hunter2', 'KeyParsingFailed'],
    ['a public key', pem(EC.publicKey, { type: 'spki' }), 'KeyParsingFailed'],
    ['a certificate with its private key', `${CERTIFICATE}\n${pem(EC.privateKey, pkcs8)}`, 'InvalidPublicKey'],
  ])('is not %s', (_what, content, code) => {
    expect(faultIn('CERTIFICATE', content)).toEqual(['content', code]);
  });
});

describe('PKCS#12', () => {
  it.each([
    ['AES', PKCS12_AES, PASSWORD],
    ['3DES, in lines', PKCS12_3DES.replace(/.{64}/g, '$&\n'), PASSWORD],
    ['nothing', PKCS12_PLAIN, undefined],
  ])('gives the private key that is sealed with %s', (_what, content, password) => {
    const key = keyIn('PKCS12', content, password);
    expect(key.type).toBe('private');
    expect(createPublicKey(key).equals(CERTIFIED)).toBe(true);
  });

  it.each([
    ['without a password', PKCS12_AES, undefined, 'password', 'required'],
    ['with a wrong password', PKCS12_AES, 'no', 'password', 'wrong_password'],
    ['with a wrong password, old', PKCS12_3DES, 'no', 'password', 'wrong_password'],
    ['when there is no key in it', PKCS12_WITHOUT_KEY, PASSWORD, 'content', 'InvalidPrivateKey'],
    ['when it is another file', Buffer.from('hunter2').toString('base64'), PASSWORD, 'content', 'KeyParsingFailed'],
    ['when it is cut off', PKCS12_AES.slice(0, 800), PASSWORD, 'content', 'KeyParsingFailed'],
    ['when it is not base64', '%%%', PASSWORD, 'content', 'KeyParsingFailed'],
    ['when it would take for ever to open', PKCS12_COSTLY, PASSWORD, 'content', 'too_costly'],
  ] as const)('is refused %s', (_what, content, password, field, code) => {
    expect(faultIn('PKCS12', content, password)).toEqual([field, code]);
  });
});

describe('an encrypted private key as PEM', () => {
  it('with an empty number among its parameters is refused like any other that does not open', () => {
    // EncryptedPrivateKeyInfo: PBES2 with the parameter INTEGER of no bytes, no ciphertext.
    const der = Buffer.from('3011300d06092a864886f70d01050d02000400', 'hex');
    const content = `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${der.toString('base64')}\n-----END ENCRYPTED PRIVATE KEY-----`;
    expect(faultIn('PEM', content, PASSWORD)).toEqual(['password', 'wrong_password']);
  });
});

describe('a JWK', () => {
  const jwk = EC.privateKey.export({ format: 'jwk' });
  const text = (members: object = {}) => JSON.stringify({ ...jwk, ...members });

  it('is read alone or as the only one of a set, with its kid and alg', () => {
    for (const content of [text({ kid: 'k', alg: 'ES256' }), `{"keys":[${text({ kid: 'k', alg: 'ES256' })}]}`]) {
      const reading = read('JWK', content);
      expect(reading).toMatchObject({ keyId: 'k', algorithm: 'ES256' });
      expect(keyIn('JWK', content).equals(EC.privateKey)).toBe(true);
    }
  });

  it.each([
    ['no JSON', 'hunter2', 'KeyParsingFailed'],
    ['a list', '[]', 'KeyParsingFailed'],
    ['null', 'null', 'KeyParsingFailed'],
    ['a set of none', '{"keys":[]}', 'several_keys'],
    ['a set of two', `{"keys":[${text()},${text()}]}`, 'several_keys'],
    ['a set of a number', '{"keys":[1]}', 'KeyParsingFailed'],
    ['for encryption', text({ use: 'enc' }), 'not_for_signing'],
    ['for other operations', text({ key_ops: ['encrypt'] }), 'not_for_signing'],
    ['of another kind', '{"kty":"OKP","crv":"Ed25519","x":"AA"}', 'WrongKeyType'],
    ['on another curve', text({ crv: 'secp256k1' }), 'InvalidCurve'],
    ['of a kid that is no text', text({ kid: 5 }), 'wrong_type'],
    ['that says it is a fault', '{"fault":{"field":"x"}}', 'WrongKeyType'],
  ])('is refused when it is %s', (_what, content, code) => {
    expect(faultIn('JWK', content)).toEqual(['content', code]);
  });

  it.each(['JWK', 'PEM', 'CERTIFICATE', 'PKCS12'] as const)('or anything else (%s) is never repeated', (sourceType) => {
    for (const content of ['hunter2', '{"kty":"oct","k":"hunter2 !"}', '-----BEGIN PRIVATE KEY-----hunter2']) {
      expect(JSON.stringify(read(sourceType, content, 'hunter2'))).not.toContain('hunter2');
    }
  });
});
