import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import type { RequestLimits } from './request-limits.ts';

/** The memory of a process and what it may have, in percent. */
export type MemoryUse = () => number;

/** How long a look at the memory is good for. It takes some 20 µs. */
const LOOK_MS = 1_000;
/**
 * While memory is short: so many requests at once are served all the same. With none, nothing would be allocated, so
 * nothing collected, and the gateway would never find out that it has memory again.
 */
const SERVED_UNDER_PRESSURE = 16;

/**
 * The larger share of: the heap and V8's limit of it; all of the process and its part of what the machine, or its group,
 * allows.
 *
 * @param processes gateways that have equal parts of that
 */
export function memoryUsePercent(processes: number): number {
  const { used_heap_size: usedBytes, heap_size_limit: heapBytes } = getHeapStatistics();
  const total = totalmem();
  const allowed = process.constrainedMemory();
  const allBytes = allowed > 0 && allowed < total ? allowed : total;
  return 100 * Math.max(usedBytes / heapBytes, (process.memoryUsage.rss() * processes) / allBytes);
}

/** Why a request is not let in; for logs. */
export type Overload = 'requests in flight' | 'memory';

/** Counts the requests whose answers are not out, and keeps them to what the process can carry. */
export class Admission {
  #inFlight = 0;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #isShort = false;

  constructor(
    private readonly limits: Pick<RequestLimits, 'maxRequestsInFlight' | 'maxHeapPercent'>,
    private readonly memoryUse: MemoryUse = () => memoryUsePercent(1),
  ) {}

  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * Lets one more request in, for which `left` must be called, or says why not.
   *
   * @param now as `performance.now()` tells it
   */
  enter(now: number): Overload | undefined {
    const { maxRequestsInFlight, maxHeapPercent } = this.limits;
    if (this.#inFlight >= maxRequestsInFlight) return 'requests in flight';
    if (maxHeapPercent > 0 && now - this.#lookedAt >= LOOK_MS) {
      this.#lookedAt = now;
      this.#isShort = this.memoryUse() >= maxHeapPercent;
    }
    if (this.#isShort && this.#inFlight >= SERVED_UNDER_PRESSURE) return 'memory';
    this.#inFlight += 1;
    return undefined;
  }

  left(): void {
    this.#inFlight -= 1;
  }
}
