import { BlockList, isIP } from 'node:net';

/** `::ffff:1.2.3.4`, as a dual-stack socket reports an IPv4 client, is `1.2.3.4`. */
export const plainAddress = (address: string): string =>
  address.startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address;

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

/** IP addresses and CIDRs of both families. */
export class AddressList {
  /** Entries that are neither an address nor a CIDR: nothing is on the list because of them. */
  readonly unreadable: readonly string[];
  readonly isEmpty: boolean;
  readonly #list = new BlockList();

  constructor(entries: readonly string[]) {
    this.isEmpty = entries.length === 0;
    this.unreadable = entries.filter((entry) => !this.#add(entry));
  }

  /** Whether an address is on the list; what is no address is not. */
  has(address: string): boolean {
    return !this.isEmpty && isIP(address) !== 0 && this.#list.check(address, familyOf(address));
  }

  #add(entry: string): boolean {
    const [address = '', prefixText, ...rest] = entry.split('/');
    const longest = isIP(address) === 6 ? 128 : 32;
    const prefix = prefixText === undefined ? longest : Number(prefixText);
    const isValid =
      isIP(address) !== 0 && rest.length === 0 && /^\d{1,3}$/.test(prefixText ?? '0') && prefix <= longest;
    if (isValid) this.#list.addSubnet(address, prefix, familyOf(address));
    return isValid;
  }
}
