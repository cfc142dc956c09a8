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

  /** Keeps the pools that these upstreams use; the others finish their requests and close. Call after a swap. */
  retain(upstreams: Iterable<ArtifactUpstream>): void {
    const used = new Set<string>();
    for (const upstream of upstreams) {
      for (const address of this.#groupOf(upstream).addresses) used.add(keyOf(address, upstream.connectTimeoutMs));
    }
    for (const [key, pool] of this.#pools) {
      if (used.has(key)) continue;
      this.#pools.delete(key);
      void pool.close();
    }
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
    }
    return pool;
  }
}
