import type { LookupFunction } from 'node:net';
import { Pool } from 'undici';
import type { ArtifactUpstream } from '#libs/policy-contracts';
import { AddressGuard, type AdminOrigin } from './address-guard.ts';
import { UpstreamCall, type UpstreamReceiver, type UpstreamRequest } from './upstream-call.ts';
import { UpstreamGroup, type UpstreamAddress } from './upstream-group.ts';

export interface UpstreamPoolOptions {
  /** Where the gateway's admin endpoints listen; never contacted as an upstream. */
  readonly adminOrigin?: AdminOrigin | undefined;
  /** How names are resolved. Default: the system's resolver. */
  readonly lookup?: LookupFunction | undefined;
  /** For `RANDOM` load balancing. Default: Math.random. */
  readonly random?: (() => number) | undefined;
}

/** What a swap of the configuration changes of the upstreams in use. */
export interface UpstreamChange {
  /** Each once for each proxy that has it now and had it not. */
  readonly added: readonly ArtifactUpstream[];
  /** Each as it was added. */
  readonly dropped: readonly ArtifactUpstream[];
}

/** Limits of the connections to one origin. */
export const UPSTREAM_POOL_LIMITS = {
  /** Connections to one origin at most; further requests wait for a free one. */
  connectionsPerOrigin: 1024,
  /** How long an idle connection is kept when the upstream names no time of its own (Node's servers close after 5 s). */
  idleConnectionMs: 4_000,
  /** Size of the head of an answer at most. */
  answerHeadBytes: 64 * 1024,
} as const;

const keyOf = (address: UpstreamAddress, connectTimeoutMs: number): string => `${address.origin} ${connectTimeoutMs}`;

/**
 * Connections to upstreams. One pool of kept connections per origin (and connect timeout, which belongs to the
 * connection) lives across configurations and is dropped when no proxy uses the origin any more.
 */
export class UpstreamPool {
  readonly #guard: AddressGuard;
  readonly #random: () => number;
  readonly #pools = new Map<string, Pool>();
  /** How many addresses of upstreams in use want each pool. */
  readonly #users = new Map<string, number>();
  /** Pools that a request of an older configuration asked for after their last user was gone. */
  readonly #strays = new Set<string>();
  /** What a configuration says of an upstream is read once, when its first request comes. */
  readonly #groups = new WeakMap<ArtifactUpstream, UpstreamGroup>();

  constructor(options: UpstreamPoolOptions = {}) {
    this.#guard = new AddressGuard(options.adminOrigin, options.lookup);
    this.#random = options.random ?? Math.random;
  }

  /**
   * Sends a request to the address whose turn it is, and to the next ones when there is no connection and the request
   * may be repeated. The receiver hears of the outcome, never before this has returned.
   */
  forward(upstream: ArtifactUpstream, request: UpstreamRequest, receiver: UpstreamReceiver): UpstreamCall {
    const call = new UpstreamCall(
      {
        group: this.#groupOf(upstream),
        poolOf: (address) => this.#poolOf(address, upstream.connectTimeoutMs),
        readTimeoutMs: upstream.readTimeoutMs,
        retryCount: upstream.retryCount,
      },
      request,
      receiver,
    );
    call.start();
    return call;
  }

  /**
   * Follows a swap: pools that no upstream in use wants any more finish their requests and close. Costs what was changed,
   * however many upstreams there are.
   */
  follow({ added, dropped }: UpstreamChange): void {
    for (const key of this.#keysOf(added)) this.#users.set(key, (this.#users.get(key) ?? 0) + 1);
    const left = new Set(this.#strays);
    this.#strays.clear();
    for (const key of this.#keysOf(dropped)) {
      this.#users.set(key, (this.#users.get(key) ?? 0) - 1);
      left.add(key);
    }
    for (const key of left) this.#closeUnused(key);
  }

  /** Origins that have a pool now, for metrics. */
  get origins(): readonly string[] {
    return [...new Set([...this.#pools.keys()].map((key) => key.slice(0, key.indexOf(' '))))];
  }

  /** Finishes the requests in flight and closes every connection. */
  async close(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.close()));
  }

  #groupOf(upstream: ArtifactUpstream): UpstreamGroup {
    let group = this.#groups.get(upstream);
    if (group === undefined) {
      group = new UpstreamGroup(upstream, this.#guard, this.#random);
      this.#groups.set(upstream, group);
    }
    return group;
  }

  *#keysOf(upstreams: Iterable<ArtifactUpstream>): Generator<string> {
    for (const upstream of upstreams) {
      for (const address of this.#groupOf(upstream).addresses) yield keyOf(address, upstream.connectTimeoutMs);
    }
  }

  #closeUnused(key: string): void {
    if ((this.#users.get(key) ?? 0) > 0) return;
    this.#users.delete(key);
    const pool = this.#pools.get(key);
    this.#pools.delete(key);
    void pool?.close();
  }

  /** A request of an older configuration may still ask for an origin that was dropped: it gets a pool again. */
  #poolOf(address: UpstreamAddress, connectTimeoutMs: number): Pool {
    const key = keyOf(address, connectTimeoutMs);
    let pool = this.#pools.get(key);
    if (pool === undefined) {
      pool = new Pool(address.origin, {
        connections: UPSTREAM_POOL_LIMITS.connectionsPerOrigin,
        keepAliveTimeout: UPSTREAM_POOL_LIMITS.idleConnectionMs,
        maxHeaderSize: UPSTREAM_POOL_LIMITS.answerHeadBytes,
        pipelining: 1,
        connect: { timeout: connectTimeoutMs, lookup: this.#guard.lookupFor(address.port) },
      });
      this.#pools.set(key, pool);
      if (!this.#users.has(key)) this.#strays.add(key);
    }
    return pool;
  }
}
