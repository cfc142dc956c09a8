import type { ArtifactUpstream } from '#libs/policy-contracts';
import type { AddressGuard } from './address-guard.ts';
import { turnsOf, type Turns } from './turns.ts';

/** One upstream address of a proxy, read from its URL once. */
export interface UpstreamAddress {
  /** Scheme, host and port. */
  readonly origin: string;
  readonly port: number;
  /** Path that stands before every request's path, without a slash at the end; `''` for none. */
  readonly basePath: string;
  /** Query that goes with every request, without `?`. */
  readonly query: string;
  readonly weight: number;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

function readAddress(text: string, weight: number, guard: AddressGuard): UpstreamAddress | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const port = url.port === '' ? DEFAULT_PORTS[url.protocol] : Number(url.port);
  if (port === undefined || guard.refuses(url.hostname.replace(/^\[|\]$/g, ''), port)) return undefined;
  const basePath = url.pathname.replace(/\/+$/, '');
  return { origin: url.origin, port, basePath, query: url.search.slice(1), weight };
}

/** The addresses of one proxy and whose turn it is. */
export class UpstreamGroup {
  readonly #addresses: readonly UpstreamAddress[];
  readonly #turns: Turns;

  /** Addresses that are not http or https, or that the guard refuses, take no part. */
  constructor(upstream: ArtifactUpstream, guard: AddressGuard, random: () => number) {
    this.#addresses = upstream.addresses.flatMap(({ url, weight }) => readAddress(url, weight, guard) ?? []);
    const weights = this.#addresses.map(({ weight }) => weight);
    this.#turns = turnsOf(upstream.loadBalance, weights, random);
  }

  /** The place of the next address; meaningless when there is none. */
  nextTurn(): number {
    return this.#turns.next();
  }

  /** The place of the address for another attempt after the one at `failed`. */
  turnAfter(failed: number): number {
    return this.#turns.after(failed);
  }

  /** The address at a place; `undefined` when the group has none that may be contacted. */
  at(place: number): UpstreamAddress | undefined {
    return this.#addresses[place];
  }

  get addresses(): readonly UpstreamAddress[] {
    return this.#addresses;
  }
}
