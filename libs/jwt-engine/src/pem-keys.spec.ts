import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type JwtRefusal } from './jwt-refusal.ts';
import { privateKeyFrom, publicKeyFrom } from './pem-keys.ts';

const EC_PUBLIC_KEY = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAENjmmlzWpA+aXjOjIGQg6mVa0lsYH
nTIJhC1Tk3E3SrP8DxyUsvfDHJkvoY6VETm3KArp5HyHvyMeQgf+REXKbQ==
-----END PUBLIC KEY-----
`;

/** Valid for one day of January 2020, for the key above. */
const EXPIRED_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBGjCBwgIBATAKBggqhkjOPQQDAjAaMRgwFgYDVQQDDA9leHBpcmVkLmV4YW1w
bGUwHhcNMjAwMTAxMDAwMDAwWhcNMjAwMTAyMDAwMDAwWjAaMRgwFgYDVQQDDA9l
eHBpcmVkLmV4YW1wbGUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQ2OaaXNakD
5peM6MgZCDqZVrSWxgedMgmELVOTcTdKs/wPHJSy98McmS+hjpURObcoCunkfIe/
Ix5CB/5ERcptMAoGCCqGSM49BAMCA0cAMEQCIHyu/RP3dyv4zunHScsld7oo+2Nz
zDHZN1t5sIPqzLR/AiAfg3RdXFs01fo8GybxAHFsyJz7AC/LloznZZ0JZ54dfg==
-----END CERTIFICATE-----
`;

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const RSA_SPKI = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString();

const isSame = (read: KeyObject | JwtRefusal, key: KeyObject): boolean => !('ok' in read) && read.equals(key);
const verdict = (read: KeyObject | JwtRefusal): string => ('ok' in read ? read.code : read.type);
const spkiOf = (read: KeyObject | JwtRefusal): string =>
  'ok' in read ? read.code : read.export({ type: 'spki', format: 'pem' }).toString();

const asPkcs8 = (key: KeyObject, passphrase?: string): string =>
  key
    .export({
      type: 'pkcs8',
      format: 'pem',
      ...(passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase }),
    })
    .toString();

describe('publicKeyFrom', () => {
  it.each([
    ['SPKI', RSA_SPKI],
    ['PKCS#1', rsa.publicKey.export({ type: 'pkcs1', format: 'pem' }).toString()],
    ['indented lines', `\n    ${RSA_SPKI.replaceAll('\n', '\n      ')}`],
    ['blanks instead of newlines', RSA_SPKI.replaceAll('\n', ' ')],
    ['Windows line ends', RSA_SPKI.replaceAll('\n', '\r\n')],
    ['words around it', `the key:\n${RSA_SPKI}that was the key`],
  ])('reads RSA with %s', (_form, pem) => {
    expect(isSame(publicKeyFrom(pem), rsa.publicKey)).toBe(true);
  });

  it('takes the key out of a certificate whose dates are over', () => {
    expect(spkiOf(publicKeyFrom(EXPIRED_CERTIFICATE))).toBe(EC_PUBLIC_KEY);
    expect(spkiOf(publicKeyFrom(EXPIRED_CERTIFICATE.replaceAll('\n', ' ')))).toBe(EC_PUBLIC_KEY);
  });

  it.each(['X509', 'TRUSTED'])('reads one that OpenSSL labels %s', (label) => {
    const labelled = EXPIRED_CERTIFICATE.replaceAll('CERTIFICATE', `${label} CERTIFICATE`);
    expect(spkiOf(publicKeyFrom(labelled))).toBe(EC_PUBLIC_KEY);
  });

  it('takes the first of several', () => {
    expect(isSame(publicKeyFrom(RSA_SPKI + EXPIRED_CERTIFICATE), rsa.publicKey)).toBe(true);
  });

  it.each([
    ['PKCS#8', asPkcs8(rsa.privateKey)],
    ['encrypted PKCS#8', asPkcs8(rsa.privateKey, 'word')],
    ['PKCS#1', rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()],
    ['SEC1', ec.privateKey.export({ type: 'sec1', format: 'pem' }).toString()],
    ['behind a public key', RSA_SPKI + asPkcs8(rsa.privateKey)],
    ['cut short behind a public key', RSA_SPKI + asPkcs8(rsa.privateKey).slice(0, 200)],
  ])('answers InvalidPublicKey for a private key: %s', (_form, pem) => {
    expect(publicKeyFrom(pem)).toEqual({ ok: false, code: 'InvalidPublicKey' });
  });

  it.each([
    ['a word', 'hello'],
    ['nothing', ''],
    ['a JWK', JSON.stringify(rsa.publicKey.export({ format: 'jwk' }))],
    ['an empty block', '-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----'],
    ['a block of other bytes', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----'],
    ['a block that is not base64', '-----BEGIN PUBLIC KEY-----\n????\n-----END PUBLIC KEY-----'],
    ['a broken certificate', '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----'],
    ['a block of another kind', '-----BEGIN DH PARAMETERS-----\nMIIB\n-----END DH PARAMETERS-----'],
    ['a block without end', RSA_SPKI.slice(0, -30)],
    ['labels that differ', RSA_SPKI.replace('END PUBLIC', 'END RSA PUBLIC')],
  ])('answers KeyParsingFailed for %s', (_what, text) => {
    expect(publicKeyFrom(text)).toEqual({ ok: false, code: 'KeyParsingFailed' });
  });
});

describe('privateKeyFrom', () => {
  it.each([
    ['PKCS#8', asPkcs8(rsa.privateKey), undefined],
    ['PKCS#8 with blanks instead of newlines', asPkcs8(rsa.privateKey).replaceAll('\n', ' '), undefined],
    [
      'PKCS#1, indented',
      rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString().replaceAll('\n', '\n  '),
      '',
    ],
    ['encrypted PKCS#8', asPkcs8(rsa.privateKey, 'pass word'), 'pass word'],
  ])('reads RSA as %s', (_form, pem, passphrase) => {
    expect(isSame(privateKeyFrom(pem, passphrase), rsa.privateKey)).toBe(true);
  });

  it.each(['\n', ' ', '\n   '])('reads the old encrypted form with lines joined by %j', (joint) => {
    const pem = rsa.privateKey.export({ type: 'pkcs1', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'word' });
    expect(pem.toString()).toContain('Proc-Type');
    expect(isSame(privateKeyFrom(pem.toString().replaceAll('\n', joint), 'word'), rsa.privateKey)).toBe(true);
    expect(verdict(privateKeyFrom(pem.toString().replaceAll('\n', joint), 'other'))).toBe('InvalidPrivateKey');
  });

  it('reads SEC1 behind its parameters', () => {
    const parameters = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n';
    const pem = parameters + ec.privateKey.export({ type: 'sec1', format: 'pem' }).toString();
    expect(isSame(privateKeyFrom(pem), ec.privateKey)).toBe(true);
  });

  it.each([
    ['a wrong passphrase', asPkcs8(rsa.privateKey, 'word'), 'other'],
    ['a missing passphrase', asPkcs8(rsa.privateKey, 'word'), undefined],
    ['a public key', RSA_SPKI, undefined],
    ['a certificate', EXPIRED_CERTIFICATE, undefined],
    ['a broken block', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----', undefined],
  ])('answers InvalidPrivateKey for %s', (_what, pem, passphrase) => {
    expect(privateKeyFrom(pem, passphrase)).toEqual({ ok: false, code: 'InvalidPrivateKey' });
  });

  it('answers KeyParsingFailed for text that is not PEM', () => {
    expect(privateKeyFrom('hello')).toEqual({ ok: false, code: 'KeyParsingFailed' });
  });
});
