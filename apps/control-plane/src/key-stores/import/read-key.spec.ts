import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  KeyObject,
  createCipheriv,
  createPublicKey,
  generateKeyPairSync,
  pbkdf2Sync,
  X509Certificate,
} from 'node:crypto';
import forge from 'node-forge';
import {
  CERTIFICATE,
  PASSWORD,
  PKCS12_3DES,
  PKCS12_AES,
  PKCS12_COSTLY,
  PKCS12_PLAIN,
  PKCS12_WITHOUT_KEY,
} from './testing/key-files.ts';
import { MOST_ROUNDS } from './private-key-info.ts';
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
const keyIn = async (...from: Parameters<typeof read>): Promise<KeyObject> => {
  const reading = await read(...from);
  if ('fault' in reading) throw new Error(reading.fault.message);
  return reading.key;
};
const faultIn = async (...from: Parameters<typeof read>) => {
  const reading = await read(...from);
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
  ] as const)('is read as %s', async (_what, content, key, password) => {
    expect((await keyIn('PEM', content, password)).equals(key)).toBe(true);
  });

  it.each([
    ['no PEM', 'hunter2', undefined, 'content', 'KeyParsingFailed'],
    ['encrypted without a password', pem(EC.privateKey, { ...pkcs8, ...encrypted }), undefined, 'password', 'required'],
    ['old, encrypted without', pem(RSA.privateKey, { type: 'pkcs1', ...encrypted }), undefined, 'password', 'required'],
    ['of a wrong password', pem(EC.privateKey, { ...pkcs8, ...encrypted }), 'no', 'password', 'wrong_password'],
    ['old, of a wrong one', pem(RSA.privateKey, { type: 'pkcs1', ...encrypted }), 'no', 'password', 'wrong_password'],
    ['broken', pem(EC.privateKey, pkcs8).replace('MIG', 'MIH'), undefined, 'content', 'InvalidPrivateKey'],
  ] as const)('is refused when it is %s', async (_what, content, password, field, code) => {
    expect(await faultIn('PEM', content, password)).toEqual([field, code]);
  });
});

describe('a certificate', () => {
  it('gives its public key', async () => {
    expect((await keyIn('CERTIFICATE', CERTIFICATE)).equals(CERTIFIED)).toBe(true);
  });

  it.each([
    ['text', 'hunter2', 'KeyParsingFailed'],
    ['a public key', pem(EC.publicKey, { type: 'spki' }), 'KeyParsingFailed'],
    ['a certificate with its private key', `${CERTIFICATE}\n${pem(EC.privateKey, pkcs8)}`, 'InvalidPublicKey'],
  ])('is not %s', async (_what, content, code) => {
    expect(await faultIn('CERTIFICATE', content)).toEqual(['content', code]);
  });
});

describe('PKCS#12', () => {
  it.each([
    ['AES', PKCS12_AES, PASSWORD],
    ['3DES, in lines', PKCS12_3DES.replace(/.{64}/g, '$&\n'), PASSWORD],
    ['nothing', PKCS12_PLAIN, undefined],
  ])('gives the private key that is sealed with %s', async (_what, content, password) => {
    const key = await keyIn('PKCS12', content, password);
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
  ] as const)('is refused %s', async (_what, content, password, field, code) => {
    expect(await faultIn('PKCS12', content, password)).toEqual([field, code]);
  });
});

const { asn1 } = forge;
const child = (node: forge.asn1.Asn1, ...path: number[]): forge.asn1.Asn1 =>
  path.reduce((parent, index) => (parent.value as forge.asn1.Asn1[])[index] as forge.asn1.Asn1, node);
const bytesOf = (node: forge.asn1.Asn1): Buffer => Buffer.from(node.value as string, 'binary');

/** As Node encrypts it (RFC 8018: PBES2 with PBKDF2 and AES-256), with as many rounds as one likes. */
function encryptedBy(key: KeyObject, rounds: number): string {
  const usual = { format: 'der', ...pkcs8, cipher: 'aes-256-cbc', passphrase: PASSWORD } as const;
  const file = asn1.fromDer((key.export(usual as never) as unknown as Buffer).toString('binary'));
  const parameters = child(file, 0, 1);
  const salt = bytesOf(child(parameters, 0, 1, 0));
  child(parameters, 0, 1, 1).value = asn1.integerToDer(rounds).getBytes();
  const cipher = createCipheriv(
    'aes-256-cbc',
    pbkdf2Sync(PASSWORD, salt, rounds, 32, 'sha256'),
    bytesOf(child(parameters, 1, 1)),
  );
  const plain = key.export({ format: 'der', type: 'pkcs8' });
  child(file, 1).value = Buffer.concat([cipher.update(plain), cipher.final()]).toString('binary');
  const base64 = Buffer.from(asn1.toDer(file).getBytes(), 'binary').toString('base64');
  return `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${base64}\n-----END ENCRYPTED PRIVATE KEY-----`;
}

describe('an encrypted private key as PEM', () => {
  it('with an empty number among its parameters is refused like any other that does not open', async () => {
    // EncryptedPrivateKeyInfo: PBES2 with the parameter INTEGER of no bytes, no ciphertext.
    const der = Buffer.from('3011300d06092a864886f70d01050d02000400', 'hex');
    const content = `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${der.toString('base64')}\n-----END ENCRYPTED PRIVATE KEY-----`;
    expect(await faultIn('PEM', content, PASSWORD)).toEqual(['password', 'wrong_password']);
  });

  it('with headers of an older form is refused: nobody would look at what it costs', async () => {
    const content = pem(EC.privateKey, { ...pkcs8, ...encrypted }).replace(
      'KEY-----\n',
      'KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00112233445566778899AABBCCDDEEFF\n\n',
    );
    expect(await faultIn('PEM', content, PASSWORD)).toEqual(['content', 'InvalidPrivateKey']);
  });

  it('is opened while others are served', async () => {
    const costly = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const content = encryptedBy(costly.privateKey, MOST_ROUNDS);
    let isOpened = false;
    const opening = keyIn('PEM', content, PASSWORD).finally(() => (isOpened = true));
    await nextTurn();
    expect(isOpened).toBe(false);
    expect((await opening).equals(costly.privateKey)).toBe(true);
    expect(await faultIn('PEM', encryptedBy(costly.privateKey, MOST_ROUNDS + 1), PASSWORD)).toEqual([
      'content',
      'too_costly',
    ]);
  });
});

describe('a JWK', () => {
  const jwk = EC.privateKey.export({ format: 'jwk' });
  const text = (members: object = {}) => JSON.stringify({ ...jwk, ...members });

  it('is read alone or as the only one of a set, with its kid and alg', async () => {
    for (const content of [text({ kid: 'k', alg: 'ES256' }), `{"keys":[${text({ kid: 'k', alg: 'ES256' })}]}`]) {
      const reading = await read('JWK', content);
      expect(reading).toMatchObject({ keyId: 'k', algorithm: 'ES256' });
      expect((await keyIn('JWK', content)).equals(EC.privateKey)).toBe(true);
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
  ])('is refused when it is %s', async (_what, content, code) => {
    expect(await faultIn('JWK', content)).toEqual(['content', code]);
  });

  it.each(['JWK', 'PEM', 'CERTIFICATE', 'PKCS12'] as const)(
    'or anything else (%s) is never repeated',
    async (sourceType) => {
      for (const content of ['hunter2', '{"kty":"oct","k":"hunter2 !"}', '-----BEGIN PRIVATE KEY-----hunter2']) {
        expect(JSON.stringify(await read(sourceType, content, 'hunter2'))).not.toContain('hunter2');
      }
    },
  );
});
