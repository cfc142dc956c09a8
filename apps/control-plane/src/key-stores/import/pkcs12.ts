import forge from 'node-forge';
import { childrenOf, derOf, objectIdOf, parseAsn1, type PrivateKeyInfo } from './private-key-info.ts';

type Node = forge.asn1.Asn1;

const DATA = '1.2.840.113549.1.7.1';
const KEY_BAG = '1.2.840.113549.1.12.10.1.1';
const SHROUDED_KEY_BAG = '1.2.840.113549.1.12.10.1.2';

/** Bytes of an OCTET STRING; BER may have them in pieces. */
function octets(node: Node | undefined): string | undefined {
  if (node === undefined || node.type !== forge.asn1.Type.OCTETSTRING) return undefined;
  return typeof node.value === 'string'
    ? node.value
    : childrenOf(node)
        .map((piece) => octets(piece) ?? '')
        .join('');
}

/** What a `ContentInfo` of plain data holds; undefined: something else (encrypted, signed). */
function plainContent(contentInfo: Node | undefined): Node | undefined {
  const [type, content] = childrenOf(contentInfo);
  const bytes = objectIdOf(type) === DATA ? octets(childrenOf(content)[0]) : undefined;
  return bytes === undefined ? undefined : parseAsn1(bytes);
}

function keyIn(bag: Node): PrivateKeyInfo[] {
  const [type, value] = childrenOf(bag);
  const id = objectIdOf(type);
  const [info] = childrenOf(value);
  if (info === undefined || (id !== KEY_BAG && id !== SHROUDED_KEY_BAG)) return [];
  return [{ der: derOf(info), isEncrypted: id === SHROUDED_KEY_BAG }];
}

/**
 * The private keys of a PKCS #12 file (RFC 7292). Keys lie in the plain part, each encrypted by itself, with every tool
 * in use; the encrypted part has certificates and is not opened, and so is the MAC, which says nothing that a key which
 * opens does not say. Undefined when the bytes are no such file.
 */
export function privateKeysIn(file: Buffer): readonly PrivateKeyInfo[] | undefined {
  const [, authSafe] = childrenOf(parseAsn1(file));
  const contents = plainContent(authSafe);
  if (contents === undefined) return undefined;
  return childrenOf(contents).flatMap((contentInfo) => childrenOf(plainContent(contentInfo)).flatMap(keyIn));
}
