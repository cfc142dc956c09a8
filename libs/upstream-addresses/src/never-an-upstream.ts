import { BlockList, isIP } from 'node:net';

/** Names under which clouds offer instance metadata. */
const METADATA_NAMES: ReadonlySet<string> = new Set(['metadata.google.internal', 'metadata.goog']);

/** Instance metadata outside the link-local range: AWS and Google by IPv6, Azure, Alibaba, Oracle. */
export const METADATA_ADDRESSES: readonly string[] = [
  'fd00:ec2::254',
  'fd20:ce::254',
  '168.63.129.16',
  '100.100.100.200',
  '192.0.0.192',
];

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');
const withoutZone = (address: string): string => address.split('%', 1)[0] ?? address;

function neverContacted(): BlockList {
  const list = new BlockList();
  list.addSubnet('169.254.0.0', 16, 'ipv4');
  list.addSubnet('fe80::', 10, 'ipv6');
  // The same IPv4 range written as IPv4-compatible, NAT64 (RFC 6052) and 6to4 (RFC 3056); mapped ones match by themselves.
  list.addSubnet('::a9fe:0', 112, 'ipv6');
  list.addSubnet('64:ff9b::a9fe:0', 112, 'ipv6');
  list.addSubnet('2002:a9fe::', 32, 'ipv6');
  for (const address of METADATA_ADDRESSES) list.addAddress(address, familyOf(address));
  return list;
}

const NEVER = neverContacted();

/**
 * Link-local and cloud-metadata addresses are never an upstream (contract 5.3): the control plane refuses them as they are
 * written, a gateway also after names were resolved.
 *
 * @param hostname a name, an IPv4 address, or an IPv6 address without brackets
 */
export function isNeverAnUpstream(hostname: string): boolean {
  if (isIP(hostname) === 0) return METADATA_NAMES.has(hostname.toLowerCase().replace(/\.$/, ''));
  const address = withoutZone(hostname);
  return NEVER.check(address, familyOf(address));
}
