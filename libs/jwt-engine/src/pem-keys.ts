import { createPrivateKey, createPublicKey, type KeyObject, type PrivateKeyInput, X509Certificate } from 'node:crypto';
import { type JwtRefusal, refusal } from './jwt-refusal.ts';

interface PemBlock {
  readonly label: string;
  readonly body: string;
}

const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----([^-]*(?:-[^-]+)*)-----END \1-----/g;

const pemBlocks = (text: string): readonly PemBlock[] =>
  [...text.matchAll(PEM_BLOCK)].map(([, label = '', body = '']) => ({ label, body }));

const isPrivate = ({ label }: PemBlock): boolean => label.endsWith('PRIVATE KEY');

/** Finds a private key's first line even where its last is missing. */
const PRIVATE_OPENING = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/;

/** Lines may be indented or joined by blanks: policies carry PEM inside XML and variables (VerifyJWT, PublicKey). */
const bytesOf = (base64: string): Buffer | undefined => {
  const packed = base64.replace(/\s/g, '');
  return /^[A-Za-z0-9+/]+={0,2}$/.test(packed) ? Buffer.from(packed, 'base64') : undefined;
};

type ReadPublicKey = (der: Buffer) => KeyObject;

const ofCertificate: ReadPublicKey = (der) => new X509Certificate(der).publicKey;

/**
 * The forms of a public key. Of a certificate only the key counts, neither its dates nor its issuer; OpenSSL has three
 * labels for one, of which TRUSTED has settings of its own behind it.
 */
const PUBLIC_FORMS: ReadonlyMap<string, ReadPublicKey> = new Map<string, ReadPublicKey>([
  ['PUBLIC KEY', (der) => createPublicKey({ key: der, format: 'der', type: 'spki' })],
  ['RSA PUBLIC KEY', (der) => createPublicKey({ key: der, format: 'der', type: 'pkcs1' })],
  ['CERTIFICATE', ofCertificate],
  ['X509 CERTIFICATE', ofCertificate],
  ['TRUSTED CERTIFICATE', ofCertificate],
]);

/** What OpenSSL throws may describe the material, so nothing of it is passed on. */
const orRefusal = (read: () => KeyObject, code: 'KeyParsingFailed' | 'InvalidPrivateKey'): KeyObject | JwtRefusal => {
  try {
    return read();
  } catch {
    return refusal(code);
  }
};

/**
 * Reads the first public key of a PEM text: SPKI, PKCS#1 or an X.509 certificate.
 *
 * `InvalidPublicKey` when the text holds a private key, whatever else it holds; `KeyParsingFailed` when it is not PEM
 * or cannot be read. Strength is judged by `checkKeyFor`.
 */
export const publicKeyFrom = (pemOrCertificate: string): KeyObject | JwtRefusal => {
  if (PRIVATE_OPENING.test(pemOrCertificate)) return refusal('InvalidPublicKey');
  const block = pemBlocks(pemOrCertificate).find(({ label }) => PUBLIC_FORMS.has(label));
  const read = PUBLIC_FORMS.get(block?.label ?? '');
  const der = bytesOf(block?.body ?? '');
  if (read === undefined || der === undefined) return refusal('KeyParsingFailed');
  return orRefusal(() => read(der), 'KeyParsingFailed');
};

const PRIVATE_DER_TYPES: ReadonlyMap<string, 'pkcs8' | 'pkcs1' | 'sec1'> = new Map([
  ['PRIVATE KEY', 'pkcs8'],
  ['ENCRYPTED PRIVATE KEY', 'pkcs8'],
  ['RSA PRIVATE KEY', 'pkcs1'],
  ['EC PRIVATE KEY', 'sec1'],
] as const);

/** The encryption of OpenSSL's old PEM form is told in header lines, which DER has no place for (RFC 1421). */
const LEGACY_ENCRYPTED = /^\s*Proc-Type:\s*4,ENCRYPTED\s+DEK-Info:\s*([A-Z0-9-]+,[0-9A-F]+)\s+(\S[\s\S]*)$/i;

const privateKeyInput = ({ label, body }: PemBlock): PrivateKeyInput | undefined => {
  const [, encryption, encrypted] = LEGACY_ENCRYPTED.exec(body) ?? [];
  const der = bytesOf(encrypted ?? body);
  const type = PRIVATE_DER_TYPES.get(label);
  if (der === undefined || type === undefined) return undefined;
  if (encryption === undefined) return { key: der, format: 'der', type };
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  const head = [`-----BEGIN ${label}-----`, 'Proc-Type: 4,ENCRYPTED', `DEK-Info: ${encryption}`, ''];
  return { key: [...head, ...lines, `-----END ${label}-----`, ''].join('\n'), format: 'pem' };
};

/**
 * Reads the first private key of a PEM text: PKCS#8, PKCS#1 or SEC1, encrypted or not.
 *
 * `KeyParsingFailed` when the text is not PEM; `InvalidPrivateKey` when it is, but holds no private key, a broken one,
 * or one that the passphrase does not open.
 */
export const privateKeyFrom = (pem: string, passphrase?: string): KeyObject | JwtRefusal => {
  const blocks = pemBlocks(pem);
  if (blocks.length === 0) return refusal('KeyParsingFailed');
  const block = blocks.find(isPrivate);
  const input = block === undefined ? undefined : privateKeyInput(block);
  if (input === undefined) return refusal('InvalidPrivateKey');
  const opened = passphrase === undefined ? input : { ...input, passphrase };
  return orRefusal(() => createPrivateKey(opened), 'InvalidPrivateKey');
};
