import { lookup as systemLookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { networkInterfaces } from 'node:os';

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

/** Names under which clouds offer instance metadata. */
const METADATA_NAMES: ReadonlySet<string> = new Set(['metadata.google.internal', 'metadata.goog']);

/** Instance metadata outside the link-local range: AWS and Google by IPv6, Azure, Alibaba, Oracle. */
const METADATA_ADDRESSES = ['fd00:ec2::254', 'fd20:ce::254', '168.63.129.16', '100.100.100.200', '192.0.0.192'];

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
  readonly #never = neverContacted();
  readonly #loopback = loopbackAddresses();
  readonly #admin: { readonly port: number; readonly addresses: BlockList } | undefined;
  readonly #resolve: LookupFunction;

  constructor(admin: AdminOrigin | undefined, resolve: LookupFunction = systemLookup) {
    this.#resolve = resolve;
    if (admin !== undefined) this.#admin = { port: admin.port, addresses: this.#adminList(admin) };
  }

  /** For a host as a URL has it: a name, an IPv4 address, or an IPv6 address without brackets. */
  refuses(hostname: string, port: number): boolean {
    if (isIP(hostname) === 0) return METADATA_NAMES.has(hostname.toLowerCase().replace(/\.$/, ''));
    const address = withoutZone(hostname);
    const family = familyOf(address);
    if (this.#never.check(address, family)) return true;
    return port === this.#admin?.port && this.#admin.addresses.check(address, family);
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
