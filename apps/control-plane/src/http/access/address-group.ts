const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;
const GROUPS = 8;
/** 64 bits: what one subscriber is given at least (RFC 6177), who may use any address of it. */
const GROUPS_OF_A_NETWORK = 4;

/** What counts as one client: an IPv4 address, or the /64 of an IPv6 address; undefined once the client has gone. */
export function addressGroup(address: string | undefined): string {
  if (address === undefined) return '';
  const mapped = MAPPED_IPV4.exec(address)?.[1];
  if (mapped !== undefined || !address.includes(':')) return mapped ?? address;
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::');
  const groupsOf = (text: string | undefined): string[] => (text === undefined || text === '' ? [] : text.split(':'));
  const [before, after] = [groupsOf(head), groupsOf(tail)];
  const zeros = tail === undefined ? 0 : GROUPS - before.length - after.length;
  const all = [...before, ...new Array<string>(Math.max(0, zeros)).fill('0'), ...after];
  return `${all
    .slice(0, GROUPS_OF_A_NETWORK)
    .map((group) => parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
