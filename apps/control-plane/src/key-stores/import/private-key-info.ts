import { createPrivateKey, type KeyObject } from 'node:crypto';
import forge from 'node-forge';

const { asn1 } = forge;
type Node = forge.asn1.Asn1;

/** A private key as PKCS #8 has it: `PrivateKeyInfo` or, encrypted, `EncryptedPrivateKeyInfo` (RFC 5958), as DER. */
export interface PrivateKeyInfo {
  readonly der: Buffer;
  readonly isEncrypted: boolean;
}

/**
 * Opening a key derives another one from the password, as often as the file says and while everybody else waits: a file
 * that asks for more is refused. Common tools ask for 2,048 to 600,000 rounds.
 */
export const MOST_ROUNDS = 1_000_000;

export const childrenOf = (node: Node | undefined): readonly Node[] =>
  node !== undefined && Array.isArray(node.value) ? node.value : [];

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

function isCostly(node: Node): boolean {
  if (Array.isArray(node.value)) return node.value.some(isCostly);
  if (node.tagClass !== asn1.Class.UNIVERSAL || node.type !== asn1.Type.INTEGER) return false;
  const bytes = Buffer.from(node.value, 'binary');
  if (bytes.length === 0) return false;
  return bytes.length > LONGEST_INTEGER_BYTES || bytes.readUIntBE(0, bytes.length) > MOST_ROUNDS;
}

export type OpenedKey =
  KeyObject | { readonly ok: false; readonly code: 'password_required' | 'too_costly' | 'wrong_password' | 'broken' };

const failed = (code: Exclude<OpenedKey, KeyObject>['code']): OpenedKey => ({ ok: false, code });

/** Reads a PKCS #8 key, with the password when it is encrypted. What OpenSSL says of a failure is not passed on. */
export function openPrivateKey({ der, isEncrypted }: PrivateKeyInfo, password: string | undefined): OpenedKey {
  if (isEncrypted) {
    if (password === undefined) return failed('password_required');
    // The first member is the algorithm with its parameters; what follows is the ciphertext.
    const [algorithm] = childrenOf(parseAsn1(der));
    if (algorithm === undefined) return failed('broken');
    if (isCostly(algorithm)) return failed('too_costly');
  }
  try {
    const passphrase = isEncrypted ? { passphrase: password ?? '' } : {};
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8', ...passphrase });
  } catch {
    return failed(isEncrypted ? 'wrong_password' : 'broken');
  }
}
