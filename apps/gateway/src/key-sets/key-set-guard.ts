import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { AddressGuard, UpstreamForbidden, type AdminOrigin } from '../upstream/address-guard.ts';
import { isPublicAddress } from './public-addresses.ts';

export interface KeySetGuardOptions {
  /** Key sets may be fetched from loopback and private addresses, and by http. */
  readonly allowPrivateHosts: boolean;
  /** Where the gateway's admin endpoints listen; never contacted. */
  readonly adminOrigin?: AdminOrigin | undefined;
  /** How names are resolved. Default: the system's resolver. */
  readonly lookup?: LookupFunction | undefined;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/** The host as resolvers and `isIP` know it: no brackets around an IPv6 address. */
const hostnameOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '');

const portOf = (url: URL): number => (url.port === '' ? (DEFAULT_PORTS[url.protocol] ?? 0) : Number(url.port));

/** One address that is not public is enough to refuse the name: which one is connected to is the system's choice. */
function onlyPublic(resolve: LookupFunction): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, found, family) => {
      const addresses = found as unknown as readonly LookupAddress[];
      const isForbidden = error === null && addresses.some(({ address }) => !isPublicAddress(address));
      if (isForbidden) return callback(new UpstreamForbidden(hostname), '', 0);
      return callback(error, found, family);
    });
  };
}

/**
 * Decides from where key sets are fetched (contract part 3, JWKS_ALLOW_PRIVATE_HOSTS; verify-jwt.md 13.11): public
 * addresses by https, and what is never an upstream (metadata, link-local, the gateway's own admin endpoints) not even
 * when private hosts are allowed.
 */
export class KeySetGuard {
  readonly #addresses: AddressGuard;
  readonly #allowPrivateHosts: boolean;

  constructor({ allowPrivateHosts, adminOrigin, lookup = systemLookup }: KeySetGuardOptions) {
    this.#allowPrivateHosts = allowPrivateHosts;
    this.#addresses = new AddressGuard(adminOrigin, allowPrivateHosts ? lookup : onlyPublic(lookup));
  }

  /**
   * What is wrong with an address as it is written. Other spellings of IPv4 addresses (decimal, octal, hexadecimal) are
   * dotted ones once they are a URL (WHATWG URL, host parsing).
   */
  refusalOf(url: URL): 'invalid-address' | 'forbidden-address' | undefined {
    const isScheme = url.protocol === 'https:' || (this.#allowPrivateHosts && url.protocol === 'http:');
    if (!isScheme || url.username !== '' || url.password !== '') return 'invalid-address';
    const hostname = hostnameOf(url);
    const isPrivate = !this.#allowPrivateHosts && isIP(hostname) !== 0 && !isPublicAddress(hostname);
    return isPrivate || this.#addresses.refuses(hostname, portOf(url)) ? 'forbidden-address' : undefined;
  }

  /** The `lookup` of the connection itself, so that nothing is resolved again between check and connect. */
  lookupFor(url: URL): LookupFunction {
    return this.#addresses.lookupFor(portOf(url));
  }
}
