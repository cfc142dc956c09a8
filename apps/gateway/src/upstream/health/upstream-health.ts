import { HEALTH_LIMITS, type HealthLimits } from './health-limits.ts';
import { OriginHealth, type HealthWatcher, type OriginFacts } from './origin-health.ts';

export interface UpstreamHealthOptions {
  /** Default: `HEALTH_LIMITS`. */
  readonly limits?: HealthLimits | undefined;
  /** Milliseconds of a clock that never goes back. Default: `performance.now()`. */
  readonly nowMs?: (() => number) | undefined;
  /** Hears of ejections, for logs. Default: nobody. */
  readonly watcher?: HealthWatcher | undefined;
}

/**
 * The health of every origin in use, shared by all proxies of the process and kept across configurations. An origin is
 * forgotten when no proxy uses it any more.
 */
export class UpstreamHealth implements HealthWatcher {
  readonly nowMs: () => number;
  /** Requests that were sent to an ejected address because all of their proxy were. */
  sentRegardless = 0;
  readonly #limits: HealthLimits;
  readonly #watcher: HealthWatcher | undefined;
  readonly #origins = new Map<string, OriginHealth>();
  readonly #users = new Map<string, number>();

  constructor({ limits = HEALTH_LIMITS, nowMs = () => performance.now(), watcher }: UpstreamHealthOptions = {}) {
    this.#limits = limits;
    this.nowMs = nowMs;
    this.#watcher = watcher;
  }

  of(origin: string): OriginHealth {
    let health = this.#origins.get(origin);
    if (health === undefined) {
      health = new OriginHealth(origin, this.#limits, this);
      this.#origins.set(origin, health);
    }
    return health;
  }

  /** By origin, for metrics. */
  get facts(): ReadonlyMap<string, OriginFacts> {
    return this.#origins;
  }

  /** A proxy has an address of this origin now. */
  used(origin: string): void {
    this.#users.set(origin, (this.#users.get(origin) ?? 0) + 1);
  }

  /** A proxy has it no more. To be said after what `used` says of the same swap. */
  unused(origin: string): void {
    const left = (this.#users.get(origin) ?? 0) - 1;
    if (left > 0) return void this.#users.set(origin, left);
    this.#users.delete(origin);
    this.#origins.delete(origin);
  }

  ejected(origin: string, forMs: number): void {
    this.#watcher?.ejected(origin, forMs);
  }

  readmitted(origin: string): void {
    this.#watcher?.readmitted(origin);
  }
}
