import { BlockList, isIP } from 'node:net';

/** An entry of the list of trusted proxies that is neither an address nor a CIDR. */
export class InvalidTrustedProxy extends Error {
  readonly code = 'INVALID_TRUSTED_PROXY';
  constructor(readonly entry: string) {
    super(`trusted proxy ${entry} is not an IP address or CIDR`);
    this.name = 'InvalidTrustedProxy';
  }
}

/** `::ffff:1.2.3.4`, as a dual-stack socket reports an IPv4 client, is `1.2.3.4`. */
export const plainAddress = (address: string): string =>
  address.startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address;

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

/** Whose word about earlier hops is believed. */
export class TrustedProxies {
  readonly #list = new BlockList();
  readonly #isEmpty: boolean;

  /** @throws InvalidTrustedProxy */
  constructor(entries: readonly string[]) {
    this.#isEmpty = entries.length === 0;
    for (const entry of entries) this.#add(entry);
  }

  trusts(address: string): boolean {
    return !this.#isEmpty && isIP(address) !== 0 && this.#list.check(address, familyOf(address));
  }

  /** The client: the last address in the chain that is not a trusted proxy itself. */
  clientOf(peer: string, forwardedFor: string | undefined): string {
    if (forwardedFor === undefined || !this.trusts(peer)) return peer;
    let client = peer;
    for (const hop of forwardedFor.split(',').reverse()) {
      const address = plainAddress(hop.trim());
      if (isIP(address) === 0) break;
      client = address;
      if (!this.trusts(address)) break;
    }
    return client;
  }

  #add(entry: string): void {
    const [address = '', prefixText, ...rest] = entry.split('/');
    const longest = isIP(address) === 6 ? 128 : 32;
    const prefix = prefixText === undefined ? longest : Number(prefixText);
    const isValid =
      isIP(address) !== 0 && rest.length === 0 && /^\d{1,3}$/.test(prefixText ?? '0') && prefix <= longest;
    if (!isValid) throw new InvalidTrustedProxy(entry);
    this.#list.addSubnet(address, prefix, familyOf(address));
  }
}
