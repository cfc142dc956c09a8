import { isIPv6 } from 'node:net';
import { plainAddress } from '#libs/client-addresses';

const GROUPS_OF_A_NETWORK = 4;
const GROUPS_OF_AN_ADDRESS = 8;

const groupsOf = (part: string): readonly string[] => (part === '' ? [] : part.split(':'));

/** The first 64 bits of an IPv6 address: `2001:db8:0:1`. */
function firstGroups(address: string): string {
  const [withoutZone = ''] = address.split('%');
  // A dotted end stands for the last two groups, which are not asked for.
  const [head = '', tail] = withoutZone.replace(/[\d.]+\.[\d.]+$/, '0:0').split('::');
  const [before, after] = [groupsOf(head), groupsOf(tail ?? '')];
  const zeros = Array<string>(Math.max(0, GROUPS_OF_AN_ADDRESS - before.length - after.length)).fill('0');
  const groups = tail === undefined ? before : [...before, ...zeros, ...after];
  return groups
    .slice(0, GROUPS_OF_A_NETWORK)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}

/**
 * What counts as one address: an IPv4 address, the /64 of an IPv6 address (one subscriber has all of it; RFC 6177
 * section 2), and any other text as it is.
 */
export function networkOf(address: string): string {
  const plain = plainAddress(address);
  return isIPv6(plain) ? `${firstGroups(plain)}::/64` : plain;
}
