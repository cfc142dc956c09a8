import { createPrivateKey, type KeyObject } from 'node:crypto';
import forge from 'node-forge';
import { openAside } from './open-aside.ts';

const { asn1 } = forge;
type Node = forge.asn1.Asn1;

/** A private key as PKCS #8 has it: `PrivateKeyInfo` or, encrypted, `EncryptedPrivateKeyInfo` (RFC 5958), as DER. */
export interface PrivateKeyInfo {
  readonly der: Buffer;
  readonly isEncrypted: boolean;
}

/**
 * Opening a key derives another one from the password, as often as the file says: a file that asks for more is refused.
 * Common tools ask for 2,048 to 600,000 rounds.
 */
export const MOST_ROUNDS = 600_000;

export const childrenOf = (node: Node | undefined): readonly Node[] =>
  node !== undefined && Array.isArray(node.value) ? node.value : [];

export function objectIdOf(node: Node | undefined): string | undefined {
  const { value, type } = node ?? {};
  if (type !== asn1.Type.OID || typeof value !== 'string') return undefined;
  return asn1.derToOid(value);
}

/** Undefined when the bytes are no ASN.1. */
export function parseAsn1(bytes: Buffer | string): Node | undefined {
  try {
    return asn1.fromDer(typeof bytes === 'string' ? bytes : bytes.toString('binary'));
  } catch {
    return undefined;
  }
}

export const derOf = (node: Node): Buffer => Buffer.from(asn1.toDer(node).getBytes(), 'binary');

const LONGEST_INTEGER_BYTES = 4;

/** Undefined when it is no number; Infinity when it is one beyond all that is taken. */
function numberIn(node: Node): number | undefined {
  if (node.tagClass !== asn1.Class.UNIVERSAL || node.type !== asn1.Type.INTEGER) return undefined;
  const bytes = Buffer.from(typeof node.value === 'string' ? node.value : '', 'binary');
  if (bytes.length === 0) return undefined;
  return bytes.length > LONGEST_INTEGER_BYTES ? Infinity : bytes.readUIntBE(0, bytes.length);
}

const productOf = (nodes: readonly Node[]): number =>
  nodes.reduce((product, node) => product * (numberIn(node) ?? 1), 1);

/** RFC 7914 section 7: the work of scrypt is the product of its numbers (N, r, p), each of which may be small. */
const SCRYPT = '1.3.6.1.4.1.11591.4.11';
/** The length of the derived key is no work. */
const SCRYPT_NUMBERS = 4;

function isCostly(node: Node): boolean {
  const children = childrenOf(node);
  const [algorithm, parameters] = children;
  if (objectIdOf(algorithm) === SCRYPT && productOf(childrenOf(parameters).slice(0, SCRYPT_NUMBERS)) > MOST_ROUNDS) {
    return true;
  }
  return children.some(isCostly) || (numberIn(node) ?? 0) > MOST_ROUNDS;
}

/** OpenSSL without its legacy provider: single DES, RC2, RC4, and what derives keys with MD2 or MD5. */
const UNSUPPORTED = 'ERR_OSSL_EVP_UNSUPPORTED';

export type OpenedKey =
  | KeyObject
  | {
      readonly ok: false;
      readonly code: 'password_required' | 'too_costly' | 'unsupported_encryption' | 'wrong_password' | 'broken';
    };

const failed = (code: Exclude<OpenedKey, KeyObject>['code']): OpenedKey => ({ ok: false, code });

/** Reads a PKCS #8 key, with the password when it is encrypted. What OpenSSL says of a failure is not passed on. */
export async function openPrivateKey(
  { der, isEncrypted }: PrivateKeyInfo,
  password: string | undefined,
): Promise<OpenedKey> {
  if (isEncrypted) {
    if (password === undefined) return failed('password_required');
    // The first member is the algorithm with its parameters; what follows is the ciphertext.
    const [algorithm] = childrenOf(parseAsn1(der));
    if (algorithm === undefined) return failed('broken');
    if (isCostly(algorithm)) return failed('too_costly');
    const opened = await openAside(der, password);
    if ('key' in opened) return opened.key;
    return failed(opened.code === UNSUPPORTED ? 'unsupported_encryption' : 'wrong_password');
  }
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  } catch {
    return failed('broken');
  }
}
