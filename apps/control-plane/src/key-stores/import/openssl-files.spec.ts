import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import forge from 'node-forge';
import { readKey, type KeySource } from './read-key.ts';

const PASSWORD = 'pa55word';
const OTHER_LETTERS = 'pässwörd';
const WRONG = 'another one';

const bytesOf = (name: string): Buffer => readFileSync(new URL(`./testing/openssl-files/${name}`, import.meta.url));
const EC = createPrivateKey(bytesOf('ec.pkcs8.pem'));
const RSA = createPrivateKey(bytesOf('rsa.pkcs8.pem'));

function sourceOf(name: string, password: string | undefined): KeySource {
  if (name.endsWith('.p12')) return { sourceType: 'PKCS12', content: bytesOf(name).toString('base64'), password };
  const sourceType = name.endsWith('.certificate.pem') ? 'CERTIFICATE' : 'PEM';
  return { sourceType, content: bytesOf(name).toString('utf8'), password };
}

/** `field code` when it is refused. */
async function readingOf(source: KeySource): Promise<KeyObject | string> {
  const reading = await readKey(source);
  return 'fault' in reading ? `${reading.fault.field} ${reading.fault.code}` : reading.key;
}
const reading = (name: string, password?: string) => readingOf(sourceOf(name, password));
const isRead = async (name: string, password: string | undefined, key: KeyObject): Promise<boolean> => {
  const read = await reading(name, password);
  return typeof read !== 'string' && read.equals(key);
};

describe('a key in a file of OpenSSL', () => {
  it.each([
    ['rsa.pkcs8.pem', RSA],
    ['rsa.pkcs1.pem', RSA],
    ['ec.pkcs8.pem', EC],
    ['ec.sec1.pem', EC],
    ['ec.sec1-with-parameters.pem', EC],
    ['ec.with-its-public-half.pem', EC],
    ['ec.plain.p12', EC],
    ['rsa.spki.pem', createPublicKey(RSA)],
    ['rsa.pkcs1-public.pem', createPublicKey(RSA)],
    ['ec.spki.pem', createPublicKey(EC)],
    ['rsa.certificate.pem', createPublicKey(RSA)],
    ['ec.certificate.pem', createPublicKey(EC)],
  ] as const)('is read: %s', async (name, key) => {
    expect(await isRead(name, undefined, key)).toBe(true);
  });

  it.each([
    ['rsa.legacy-3des.pem', RSA, PASSWORD],
    ['ec.legacy-aes.pem', EC, PASSWORD],
    ['ec.pbes2-aes256.pem', EC, PASSWORD],
    ['ec.pbes2-aes128-sha1.pem', EC, PASSWORD],
    ['ec.pbes2-3des.pem', EC, PASSWORD],
    ['ec.pbes2-scrypt.pem', EC, PASSWORD],
    ['ec.pbes1-3des.pem', EC, PASSWORD],
    ['ec.aes.p12', EC, PASSWORD],
    ['ec.rc2-certificate-3des-key.p12', EC, PASSWORD],
    ['ec.chain.p12', EC, PASSWORD],
    ['ec.empty-password.p12', EC, ''],
    ['ec.other-letters.p12', EC, OTHER_LETTERS],
  ] as const)('is read with its password, and not without it or with another: %s', async (name, key, password) => {
    expect(await isRead(name, password, key)).toBe(true);
    expect(await reading(name, WRONG)).toBe('password wrong_password');
    expect(await reading(name)).toBe('password required');
  });

  it.each(['ec.pbes1-rc2-40.pem', 'ec.pbes1-rc4.pem', 'ec.pbes1-md5-des.pem', 'ec.legacy-des.pem', 'ec.rc2-key.p12'])(
    'is not said to have another password when its encryption is given up: %s',
    async (name) => {
      expect([await reading(name, PASSWORD), await reading(name, WRONG)]).toEqual(
        Array(2).fill('content unsupported_encryption'),
      );
      expect(await reading(name)).toBe('password required');
    },
  );

  it('that asks for too much work is not opened, by whichever of its numbers', async () => {
    expect(await reading('ec.pbes2-costly-scrypt.pem', PASSWORD)).toBe('content too_costly');
  });

  it.each(['two-private.pem', 'two-public.pem'])('is refused beside another one: %s', async (name) => {
    expect(await reading(name)).toBe('content several_keys');
  });
});

describe('a PKCS#12 file with two private keys', () => {
  it('is refused', async () => {
    const { asn1 } = forge;
    type Node = forge.asn1.Asn1;
    const child = (node: Node, index: number): Node => (node.value as Node[])[index] as Node;
    const file = asn1.fromDer(bytesOf('ec.plain.p12').toString('binary'));
    // PFX: version, ContentInfo (type, [0] OCTET STRING with the contents), MAC.
    const octets = child(child(child(file, 1), 1), 0);
    const contents = asn1.fromDer(octets.value as string);
    (contents.value as Node[]).push(child(contents, (contents.value as Node[]).length - 1));
    octets.value = asn1.toDer(contents).getBytes();
    const content = Buffer.from(asn1.toDer(file).getBytes(), 'binary').toString('base64');
    expect(await readingOf({ sourceType: 'PKCS12', content, password: undefined })).toBe('content several_keys');
  });
});

const LONGEST = 100_000;
const base64 = (bytes: Buffer): string => bytes.toString('base64').slice(0, LONGEST);
const inPem = (label: string, text: string) => `-----BEGIN ${label}-----\n${text}\n-----END ${label}-----`;
/** Sequences in each other, as deep as the length allows. */
const nested = Buffer.concat(Array.from({ length: 37_000 }, () => Buffer.from([0x30, 0x80])));
const GARBAGE = [
  base64(randomBytes(75_000)),
  'A'.repeat(LONGEST),
  base64(nested),
  '-'.repeat(LONGEST),
  '{'.repeat(LONGEST),
];

describe('100,000 characters of anything', () => {
  it.each(['JWK', 'PEM', 'CERTIFICATE', 'PKCS12'] as const)(
    'as %s are refused by what they are not',
    async (sourceType) => {
      const labels = ['PRIVATE KEY', 'ENCRYPTED PRIVATE KEY', 'EC PRIVATE KEY', 'PUBLIC KEY', 'CERTIFICATE'];
      for (const text of [...GARBAGE, ...labels.flatMap((label) => GARBAGE.map((garbage) => inPem(label, garbage)))]) {
        expect(await readingOf({ sourceType, content: text, password: PASSWORD })).toMatch(/^(content|password) \w+$/);
      }
    },
  );
});

describe('an RSA key', () => {
  it('of more than 8192 bits is refused before anything is signed with it', async () => {
    const { n, e } = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });
    const odd = (bytes: number) => Buffer.concat([Buffer.from([0xff]), randomBytes(bytes - 2), Buffer.from([0x01])]);
    const half = { p: odd(8_192), q: odd(8_192), dp: odd(8_191), dq: odd(8_191), qi: odd(8_191) };
    const numbers = { n: odd(16_384), d: odd(16_383), ...half };
    const large = Object.fromEntries(
      Object.entries(numbers).map(([name, bytes]) => [name, bytes.toString('base64url')]),
    );
    const source = { sourceType: 'JWK', password: undefined } as const;
    expect(await readingOf({ ...source, content: JSON.stringify({ kty: 'RSA', e, ...large }) })).toBe(
      'content key_too_large',
    );
    expect(typeof (await readingOf({ ...source, content: JSON.stringify({ kty: 'RSA', e, n }) }))).toBe('object');
  });
});
