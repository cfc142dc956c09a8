import type { LookupFunction } from 'node:net';
import type { ArtifactUpstream } from '#libs/policy-contracts';
import { AddressGuard, type AdminOrigin } from './address-guard.ts';
import { HEALTH_LIMITS, type HealthLimits } from './health/health-limits.ts';
import type { HealthWatcher } from './health/origin-health.ts';
import { UpstreamHealth } from './health/upstream-health.ts';
import { Http1Transport } from './http1/http1-transport.ts';
import { socketOpener } from './http1/socket-opener.ts';
import { Ticks } from './http1/ticks.ts';
import type { TransportLoad, UpstreamTransport } from './transport.ts';
import { UpstreamCall, type CallContext, type UpstreamReceiver, type UpstreamRequest } from './upstream-call.ts';
import { UpstreamCredentials } from './upstream-credentials.ts';
import { UpstreamGroup, type UpstreamAddress } from './upstream-group.ts';

export interface UpstreamPoolOptions {
  /** Where the gateway's admin endpoints listen; never contacted as an upstream. */
  readonly adminOrigin?: AdminOrigin | undefined;
  /** How names are resolved. Default: the system's resolver. */
  readonly lookup?: LookupFunction | undefined;
  /** What is trusted and shown over HTTPS. Default: the system's certificate authorities, and nothing. */
  readonly credentials?: UpstreamCredentials | undefined;
  /** Default: `UPSTREAM_POOL_LIMITS`. */
  readonly limits?: UpstreamPoolLimits | undefined;
  /** For `RANDOM` load balancing. Default: Math.random. */
  readonly random?: (() => number) | undefined;
  /** Milliseconds of a clock that never goes back: what ejections and retry budgets are measured by. Default: `performance.now()`. */
  readonly nowMs?: (() => number) | undefined;
  /** Hears of ejections. Default: nobody. */
  readonly watcher?: HealthWatcher | undefined;
}

/** What a swap of the configuration changes of the upstreams in use. */
export interface UpstreamChange {
  /** Each once for each proxy that has it now and had it not. */
  readonly added: readonly ArtifactUpstream[];
  /** Each as it was added. */
  readonly dropped: readonly ArtifactUpstream[];
}

/** Limits of the connections to one origin, and of what its failures lead to. */
export interface UpstreamPoolLimits {
  /** Connections to one origin at most; further requests wait for a free one, at most the connect timeout. */
  readonly maxConnections: number;
  /** How long an idle connection is kept when the upstream names no time of its own. */
  readonly idleTimeoutMs: number;
  /** Size of the head of an answer, and of its trailers, at most. */
  readonly maxHeaderBytes: number;
  readonly health: HealthLimits;
}

export const UPSTREAM_POOL_LIMITS: UpstreamPoolLimits = {
  maxConnections: 1024,
  // Node's servers close after 5 s.
  idleTimeoutMs: 4_000,
  maxHeaderBytes: 64 * 1024,
  health: HEALTH_LIMITS,
};

const NO_LOAD: TransportLoad = { open: 0, idle: 0, waiting: 0 };

const keyOf = (address: UpstreamAddress, connectTimeoutMs: number): string => `${address.origin} ${connectTimeoutMs}`;

/**
 * Connections to upstreams. One pool of kept connections per origin (and connect timeout, which belongs to the
 * connection) lives across configurations and is dropped when no proxy uses the origin any more.
 */
export class UpstreamPool {
  /** Of the origins in use. */
  readonly health: UpstreamHealth;
  readonly #guard: AddressGuard;
  readonly #random: () => number;
  readonly #credentials: UpstreamCredentials;
  readonly #limits: UpstreamPoolLimits;
  readonly #ticks = new Ticks();
  readonly #pools = new Map<string, UpstreamTransport>();
  /** The same by what asks for them, each as long as nothing is dropped: to make the key for each request costs 0.2 µs. */
  readonly #found = new Map<UpstreamAddress, UpstreamTransport>();
  /** How many addresses of upstreams in use want each pool. */
  readonly #users = new Map<string, number>();
  /** Pools that a request of an older configuration asked for after their last user was gone. */
  readonly #strays = new Set<string>();
  /** What a configuration says of an upstream is read once, when its first request comes. */
  readonly #contexts = new WeakMap<ArtifactUpstream, CallContext>();

  constructor(options: UpstreamPoolOptions = {}) {
    this.#guard = new AddressGuard(options.adminOrigin, options.lookup);
    this.#credentials = options.credentials ?? new UpstreamCredentials();
    this.#limits = options.limits ?? UPSTREAM_POOL_LIMITS;
    this.#random = options.random ?? Math.random;
    this.health = new UpstreamHealth({ ...options, limits: this.#limits.health });
  }

  /**
   * Sends a request to the address whose turn it is, and to the next ones when there is no connection and the request
   * may be repeated. The receiver hears of the outcome, never before this has returned.
   */
  forward(upstream: ArtifactUpstream, request: UpstreamRequest, receiver: UpstreamReceiver): UpstreamCall {
    const call = new UpstreamCall(this.#contextOf(upstream), request, receiver);
    call.start();
    return call;
  }

  /**
   * Follows a swap: pools that no upstream in use wants any more finish their requests and close. Costs what was changed,
   * however many upstreams there are.
   */
  follow({ added, dropped }: UpstreamChange): void {
    this.#found.clear();
    for (const key of this.#keysOf(added)) this.#users.set(key, (this.#users.get(key) ?? 0) + 1);
    const left = new Set(this.#strays);
    this.#strays.clear();
    for (const key of this.#keysOf(dropped)) {
      this.#users.set(key, (this.#users.get(key) ?? 0) - 1);
      left.add(key);
    }
    for (const key of left) this.#closeUnused(key);
    for (const { origin } of this.#addressesOf(added)) this.health.used(origin);
    for (const { origin } of this.#addressesOf(dropped)) this.health.unused(origin);
  }

  /** Origins that have a pool now, for metrics. */
  get origins(): readonly string[] {
    return [...new Set([...this.#pools.keys()].map((key) => key.slice(0, key.indexOf(' '))))];
  }

  /** Connections by origin, for metrics. */
  get loads(): ReadonlyMap<string, TransportLoad> {
    const loads = new Map<string, TransportLoad>();
    for (const [key, { load }] of this.#pools) {
      const origin = key.slice(0, key.indexOf(' '));
      const { open, idle, waiting } = loads.get(origin) ?? NO_LOAD;
      loads.set(origin, { open: open + load.open, idle: idle + load.idle, waiting: waiting + load.waiting });
    }
    return loads;
  }

  /** Finishes the requests in flight and closes every connection. */
  async close(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    this.#found.clear();
    await Promise.all(pools.map((pool) => pool.close()));
  }

  #contextOf(upstream: ArtifactUpstream): CallContext {
    let context = this.#contexts.get(upstream);
    if (context === undefined) {
      const { connectTimeoutMs, readTimeoutMs, retryCount } = upstream;
      context = {
        group: new UpstreamGroup(upstream, { guard: this.#guard, health: this.health, random: this.#random }),
        poolOf: (address) => this.#found.get(address) ?? this.#poolOf(address, connectTimeoutMs),
        readTimeoutMs,
        retryCount,
        nowMs: this.health.nowMs,
      };
      this.#contexts.set(upstream, context);
    }
    return context;
  }

  *#keysOf(upstreams: Iterable<ArtifactUpstream>): Generator<string> {
    for (const upstream of upstreams) {
      for (const address of this.#contextOf(upstream).group.addresses) yield keyOf(address, upstream.connectTimeoutMs);
    }
  }

  *#addressesOf(upstreams: Iterable<ArtifactUpstream>): Generator<UpstreamAddress> {
    for (const upstream of upstreams) yield* this.#contextOf(upstream).group.addresses;
  }

  #closeUnused(key: string): void {
    if ((this.#users.get(key) ?? 0) > 0) return;
    this.#users.delete(key);
    const pool = this.#pools.get(key);
    this.#pools.delete(key);
    void pool?.close();
  }

  /** A request of an older configuration may still ask for an origin that was dropped: it gets a pool again. */
  #poolOf(address: UpstreamAddress, connectTimeoutMs: number): UpstreamTransport {
    const key = keyOf(address, connectTimeoutMs);
    let pool = this.#pools.get(key);
    if (pool === undefined) {
      pool = this.#open(address, connectTimeoutMs);
      this.#pools.set(key, pool);
      if (!this.#users.has(key)) this.#strays.add(key);
    }
    this.#found.set(address, pool);
    return pool;
  }

  #open({ origin, port }: UpstreamAddress, connectTimeoutMs: number): UpstreamTransport {
    const { maxConnections, idleTimeoutMs, maxHeaderBytes } = this.#limits;
    const lookup = this.#guard.lookupFor(port);
    return new Http1Transport({
      opener: socketOpener({ origin, port, lookup, credentials: this.#credentials }),
      ticks: this.#ticks,
      host: new URL(origin).host,
      ...{ maxConnections, idleTimeoutMs, connectTimeoutMs, maxHeadBytes: maxHeaderBytes },
    });
  }
}
