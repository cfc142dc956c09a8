import { BlockList, isIP } from 'node:net';

/** IPv4 blocks that are not the public internet (IANA IPv4 Special-Purpose Address Registry, RFC 6890; multicast RFC 5771). */
const SPECIAL_IPV4: readonly (readonly [network: string, prefix: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];

/** Blocks inside the global unicast range of IPv6 that are not: Teredo and its neighbours, documentation, 6to4. */
const SPECIAL_IPV6: readonly (readonly [network: string, prefix: number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];

function blocks(family: 'ipv4' | 'ipv6', networks: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of networks) list.addSubnet(network, prefix, family);
  return list;
}

const NOT_PUBLIC_IPV4 = blocks('ipv4', SPECIAL_IPV4);
const NOT_PUBLIC_IPV6 = blocks('ipv6', SPECIAL_IPV6);
/**
 * RFC 4291 section 2.4. Whatever lies outside is refused without being named: loopback, unspecified, link-local,
 * unique-local, multicast, and the IPv4 addresses that are written as IPv6 ones (mapped, compatible, NAT64).
 */
const GLOBAL_UNICAST_IPV6 = blocks('ipv6', [['2000::', 3]]);

/** Whether an IP address as a resolver gives it, or as a URL has it without brackets, is of the public internet. */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !NOT_PUBLIC_IPV4.check(address, 'ipv4');
    case 6:
      return GLOBAL_UNICAST_IPV6.check(address, 'ipv6') && !NOT_PUBLIC_IPV6.check(address, 'ipv6');
    default:
      return false;
  }
}
