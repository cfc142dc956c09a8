import { isIPv4, isIPv6 } from 'node:net';

interface Range {
  readonly family: 4 | 6;
  readonly bits: bigint;
  readonly prefix: number;
}

const WIDTH = { 4: 32, 6: 128 } as const;
/** `::ffff:0:0/96`: IPv4 addresses written as IPv6 (RFC 4291 section 2.5.5.2). */
const MAPPED = 0xffffn << 32n;

const bitsOfGroups = (groups: readonly string[], radix: 10 | 16): bigint =>
  groups.reduce((bits, group) => (bits << (radix === 10 ? 8n : 16n)) | BigInt(Number.parseInt(group, radix)), 0n);

/** What the URL standard makes of an address is its canonical form (RFC 5952), and has no dotted end. */
const canonicalIPv6 = (text: string): string => new URL(`http://[${text}]/`).hostname.slice(1, -1);

function bitsOfIPv6(text: string): bigint {
  const [head = '', tail] = canonicalIPv6(text).split('::');
  const groupsOf = (part: string) => (part === '' ? [] : part.split(':'));
  const [before, after] = [groupsOf(head), groupsOf(tail ?? '')];
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  return bitsOfGroups([...before, ...(tail === undefined ? [] : zeros), ...after], 16);
}

function readAddress(text: string): Omit<Range, 'prefix'> | undefined {
  if (isIPv4(text)) return { family: 4, bits: bitsOfGroups(text.split('.'), 10) };
  // No zone: it means something on one machine only.
  return isIPv6(text) && !text.includes('%') ? { family: 6, bits: bitsOfIPv6(text) } : undefined;
}

function readRange(text: string): Range | undefined {
  const [addressText = '', prefixText, ...rest] = text.split('/');
  const address = rest.length === 0 ? readAddress(addressText) : undefined;
  if (address === undefined) return undefined;
  const width = WIDTH[address.family];
  if (prefixText === undefined) return { ...address, prefix: width };
  const prefix = /^(0|[1-9]\d{0,2})$/.test(prefixText) ? Number(prefixText) : Number.NaN;
  return prefix <= width ? { ...address, prefix } : undefined;
}

/** Gateways see IPv4 clients as IPv4, also on a socket of both families. */
function unmapped(range: Range): Range {
  const { family, bits, prefix } = range;
  if (family === 4 || prefix < 96 || bits >> 32n !== MAPPED >> 32n) return range;
  return { family: 4, bits: bits & 0xffff_ffffn, prefix: prefix - 96 };
}

function addressText({ family, bits }: Omit<Range, 'prefix'>): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 255n).join('.');
  const groups = Array.from({ length: 8 }, (_, index) => ((bits >> BigInt(112 - 16 * index)) & 0xffffn).toString(16));
  return canonicalIPv6(groups.join(':'));
}

/**
 * An address or a CIDR range in the one spelling that equal ones share: bits beyond the prefix are cleared, a range of
 * one is an address, IPv6 is short and in lower case (RFC 5952), IPv4 in IPv6 is IPv4. Undefined when it is neither.
 */
export function canonicalIpRange(text: string): string | undefined {
  const read = readRange(text);
  if (read === undefined) return undefined;
  const { family, bits, prefix } = unmapped(read);
  const width = WIDTH[family];
  const beyond = BigInt(width - prefix);
  const address = addressText({ family, bits: (bits >> beyond) << beyond });
  return prefix === width ? address : `${address}/${prefix}`;
}
