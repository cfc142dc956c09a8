import { lookup as systemLookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { networkInterfaces } from 'node:os';
import { isNeverAnUpstream } from '#libs/upstream-addresses';

/** Where the gateway's own admin endpoints listen: never an upstream (contract 5.3). */
export interface AdminOrigin {
  /** IP address as bound; `0.0.0.0` or `::` for every interface. A name counts as loopback. */
  readonly host: string;
  readonly port: number;
}

/** A name that resolved to an address which must not be contacted. The message names no address. */
export class UpstreamForbidden extends Error {
  readonly code = 'UPSTREAM_FORBIDDEN';
  constructor(readonly hostname: string) {
    super(`upstream ${hostname} leads to an address that a gateway must not contact`);
    this.name = 'UpstreamForbidden';
  }
}

function loopbackAddresses(): BlockList {
  const list = new BlockList();
  list.addSubnet('127.0.0.0', 8, 'ipv4');
  list.addAddress('::1', 'ipv6');
  // Connecting to the unspecified address reaches the own machine.
  list.addAddress('0.0.0.0', 'ipv4');
  list.addAddress('::', 'ipv6');
  return list;
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');
const withoutZone = (address: string): string => address.split('%', 1)[0] ?? address;
const isUnspecified = (host: string): boolean => host === '0.0.0.0' || host === '::';

function adminAddresses(admin: AdminOrigin): BlockList {
  const list = isIP(admin.host) === 0 || isUnspecified(admin.host) ? loopbackAddresses() : new BlockList();
  if (isIP(admin.host) !== 0) list.addAddress(admin.host, familyOf(admin.host));
  if (isUnspecified(admin.host)) {
    for (const { address } of Object.values(networkInterfaces()).flatMap((found) => found ?? [])) {
      list.addAddress(withoutZone(address), familyOf(withoutZone(address)));
    }
  }
  return list;
}

/** Decides which addresses are never contacted: as written in a configuration, and again after DNS resolution. */
export class AddressGuard {
  readonly #loopback = loopbackAddresses();
  readonly #admin: { readonly port: number; readonly addresses: BlockList } | undefined;
  readonly #resolve: LookupFunction;

  constructor(admin: AdminOrigin | undefined, resolve: LookupFunction = systemLookup) {
    this.#resolve = resolve;
    if (admin !== undefined) this.#admin = { port: admin.port, addresses: this.#adminList(admin) };
  }

  /** For a host as a URL has it: a name, an IPv4 address, or an IPv6 address without brackets. */
  refuses(hostname: string, port: number): boolean {
    if (isNeverAnUpstream(hostname)) return true;
    if (port !== this.#admin?.port || isIP(hostname) === 0) return false;
    const address = withoutZone(hostname);
    return this.#admin.addresses.check(address, familyOf(address));
  }

  /** A `lookup` for connections to `port` that fails when any address of the name is refused. */
  lookupFor(port: number): LookupFunction {
    return (hostname, options, callback) => {
      this.#resolve(hostname, { ...options, all: true } satisfies LookupOptions, (error, found) => {
        const addresses = found as unknown as LookupAddress[];
        const first = error === null ? addresses[0] : undefined;
        if (first === undefined) return callback(error ?? notResolved(hostname), '', 0);
        if (addresses.some(({ address }) => this.refuses(address, port))) {
          return callback(new UpstreamForbidden(hostname), '', 0);
        }
        return options.all === true ? callback(null, addresses) : callback(null, first.address, first.family);
      });
    };
  }

  #adminList(admin: AdminOrigin): BlockList {
    const ownLoopback = isIP(admin.host) !== 0 && this.#loopback.check(admin.host, familyOf(admin.host));
    return ownLoopback ? this.#loopback : adminAddresses(admin);
  }
}

const notResolved = (hostname: string): NodeJS.ErrnoException =>
  Object.assign(new Error(`${hostname} has no address`), { code: 'ENOTFOUND' });
