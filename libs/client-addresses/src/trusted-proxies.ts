import { isIP, SocketAddress } from 'node:net';
import { AddressList, plainAddress } from './address-list.ts';

/** An entry of the list of trusted proxies that is neither an address nor a CIDR. */
export class InvalidTrustedProxy extends Error {
  readonly code = 'INVALID_TRUSTED_PROXY';
  constructor(readonly entry: string) {
    super(`trusted proxy ${entry} is not an IP address or CIDR`);
    this.name = 'InvalidTrustedProxy';
  }
}

/** RFC 7239 section 6 has the same two forms of an address with a port; some load balancers write them here too. */
const WITH_PORT = /^(?:\[([^\]]+)\]|([^:]+))(?::\d{1,5})?$/;

/** What a hop of `X-Forwarded-For` says, in the one spelling that lists and counters know; undefined: no address. */
function addressOf(hop: string): string | undefined {
  const [, bracketed, other] = WITH_PORT.exec(hop) ?? [];
  const address = bracketed ?? other ?? hop;
  if (isIP(address) !== 6) return isIP(address) === 0 ? undefined : address;
  return plainAddress(new SocketAddress({ address, family: 'ipv6' }).address);
}

/** Whose word about earlier hops is believed. */
export class TrustedProxies {
  readonly #list: AddressList;

  /** @throws InvalidTrustedProxy */
  constructor(entries: readonly string[]) {
    this.#list = new AddressList(entries);
    const [unreadable] = this.#list.unreadable;
    if (unreadable !== undefined) throw new InvalidTrustedProxy(unreadable);
  }

  trusts(address: string): boolean {
    return this.#list.has(address);
  }

  /** The client: the last address in the chain that is not a trusted proxy itself. */
  clientOf(peer: string, forwardedFor: string | undefined): string {
    if (forwardedFor === undefined || !this.trusts(peer)) return peer;
    let client = peer;
    for (const hop of forwardedFor.split(',').reverse()) {
      const address = addressOf(hop.trim());
      if (address === undefined) break;
      client = address;
      if (!this.trusts(address)) break;
    }
    return client;
  }
}

/** Entries of the setting `TRUSTED_PROXIES`, comma-separated; undefined when one is neither an address nor a CIDR. */
export function trustedProxiesOf(text: string): readonly string[] | undefined {
  const entries = text.split(',').map((entry) => entry.trim());
  return new AddressList(entries).unreadable.length === 0 ? entries : undefined;
}
