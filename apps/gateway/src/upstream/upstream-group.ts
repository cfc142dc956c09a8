import type { ArtifactUpstream } from '#libs/policy-contracts';
import type { AddressGuard } from './address-guard.ts';
import type { OriginHealth } from './health/origin-health.ts';
import type { UpstreamHealth } from './health/upstream-health.ts';
import { turnsOf, type IsOpen, type Turns } from './turns.ts';

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
  /** Shared by every address of the origin. */
  readonly health: OriginHealth;
}

/** What the groups of all proxies share. */
export interface GroupSurroundings {
  readonly guard: AddressGuard;
  readonly health: UpstreamHealth;
  /** From 0 up to, but not including, 1. */
  readonly random: () => number;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

const EVERY: IsOpen = () => true;

function readAddress(text: string, weight: number, { guard, health }: GroupSurroundings): UpstreamAddress | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const port = url.port === '' ? DEFAULT_PORTS[url.protocol] : Number(url.port);
  if (port === undefined || guard.refuses(url.hostname.replace(/^\[|\]$/g, ''), port)) return undefined;
  const basePath = url.pathname.replace(/\/+$/, '');
  return { origin: url.origin, port, basePath, query: url.search.slice(1), weight, health: health.of(url.origin) };
}

/**
 * The addresses of one proxy and whose turn it is. Ejected addresses have none, unless all are ejected: then turns are
 * taken as if none were, for a last address that may answer is better than none.
 */
export class UpstreamGroup {
  readonly #addresses: readonly UpstreamAddress[];
  readonly #turns: Turns;
  readonly #health: UpstreamHealth;
  readonly #isOpen: IsOpen = (place) => this.#addresses[place]?.health.isOpen(this.#nowMs) === true;
  #nowMs = 0;

  /** Addresses that are not http or https, or that the guard refuses, take no part. */
  constructor(upstream: ArtifactUpstream, surroundings: GroupSurroundings) {
    this.#addresses = upstream.addresses.flatMap(({ url, weight }) => readAddress(url, weight, surroundings) ?? []);
    this.#health = surroundings.health;
    const weights = this.#addresses.map(({ weight }) => weight);
    const inFlightAt = (place: number): number => this.#addresses[place]?.health.inFlight ?? 0;
    this.#turns = turnsOf(upstream.loadBalance, weights, { random: surroundings.random, inFlightAt });
  }

  /** The place of the next address; meaningless when there is none. */
  nextTurn(nowMs: number): number {
    return this.#addresses.length > 1 ? this.#turns.next(this.#open(nowMs)) : 0;
  }

  /** The place of the address for another attempt after the one at `failed`. */
  turnAfter(failed: number, nowMs: number): number {
    return this.#addresses.length > 1 ? this.#turns.after(failed, this.#open(nowMs)) : 0;
  }

  #open(nowMs: number): IsOpen {
    if (!this.#isAnyEjected()) return EVERY;
    this.#nowMs = nowMs;
    if (this.#addresses.some(({ health }) => health.isOpen(nowMs))) return this.#isOpen;
    this.#health.sentRegardless += 1;
    return EVERY;
  }

  #isAnyEjected(): boolean {
    for (const { health } of this.#addresses) if (health.isEjected) return true;
    return false;
  }

  /** The address at a place; `undefined` when the group has none that may be contacted. */
  at(place: number): UpstreamAddress | undefined {
    return this.#addresses[place];
  }

  get addresses(): readonly UpstreamAddress[] {
    return this.#addresses;
  }
}
