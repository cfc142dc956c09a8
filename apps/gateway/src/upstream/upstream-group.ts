import type { ArtifactUpstream } from '#libs/policy-contracts';
import type { AddressGuard } from './address-guard.ts';

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

/**
 * The addresses of one proxy and whose turn it is. Smooth weighted round robin: each turn every address gains its
 * weight, the richest is chosen and pays the sum, so that a heavy address does not get its turns in a row.
 */
export class UpstreamGroup {
  readonly #addresses: readonly UpstreamAddress[];
  readonly #credits: number[];
  readonly #totalWeight: number;

  /** Addresses that are not http or https, or that the guard refuses, take no part. */
  constructor(upstream: ArtifactUpstream, guard: AddressGuard) {
    this.#addresses = upstream.addresses.flatMap(({ url, weight }) => readAddress(url, weight, guard) ?? []);
    this.#credits = this.#addresses.map(() => 0);
    this.#totalWeight = this.#addresses.reduce((sum, { weight }) => sum + weight, 0);
  }

  /** The index of the next address; meaningless when there is none. */
  nextTurn(): number {
    let chosen = 0;
    for (const [index, { weight }] of this.#addresses.entries()) {
      this.#credits[index] = (this.#credits[index] ?? 0) + weight;
      if ((this.#credits[index] ?? 0) > (this.#credits[chosen] ?? 0)) chosen = index;
    }
    this.#credits[chosen] = (this.#credits[chosen] ?? 0) - this.#totalWeight;
    return chosen;
  }

  /** The address at `index`, counted round; `undefined` when the group has none that may be contacted. */
  at(index: number): UpstreamAddress | undefined {
    return this.#addresses[index % this.#addresses.length];
  }

  get addresses(): readonly UpstreamAddress[] {
    return this.#addresses;
  }
}
