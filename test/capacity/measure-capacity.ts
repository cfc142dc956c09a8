import { setTimeout as pause } from 'node:timers/promises';
import { median, percentile, timed, timedRuns } from '../bench/event-store/figures.ts';
import { CapacityEnvironment } from './capacity-environment.ts';
import { GatewayFleet } from './gateway-fleet.ts';
import { ratesBetween, redisCounters, type RedisRates } from './redis-counters.ts';

/** In the environment with all the gateways: each of them keeps a few hundred bytes of every proxy. */
const PROXIES_OF_MANY_GATEWAYS = 100;
/** In the environment with all the proxies. */
const GATEWAYS_OF_MANY_PROXIES = 5;
const WARM_UP = 5;
const LEASE_READS = 20;

export interface CapacityOptions {
  readonly redisUrl: string;
  readonly gateways: number;
  readonly proxies: number;
  /** Measured ones. */
  readonly changes: number;
  readonly processes: number;
  /** How long gateways are watched while nothing changes. */
  readonly idleMs: number;
  readonly say: (line: string) => void;
}

export interface FanOut {
  /** Milliseconds from the publishing until half of the gateways, and all, have applied it: medians and 99 of 100. */
  readonly half: { readonly median: number; readonly p99: number };
  readonly all: { readonly median: number; readonly p99: number };
}

export interface ManyGateways {
  readonly gateways: number;
  readonly connections: number;
  readonly redisBytesPerGateway: number;
  readonly idle: RedisRates;
  readonly fanOut: FanOut;
  /** The control plane reads all leases. */
  readonly leases: { readonly found: number; readonly medianMs: number };
}

export interface ManyProxies {
  readonly proxies: number;
  readonly publishMs: number;
  readonly redisBytesPerProxy: number;
  readonly join: { readonly found: number; readonly ms: number; readonly sentBytes: number };
  readonly whole: { readonly found: number; readonly ms: number };
  readonly fanOut: FanOut;
}

async function fanOutOf(
  fleet: GatewayFleet,
  { changes, proxies }: { readonly changes: number; readonly proxies: number },
  publish: (proxy: number) => Promise<void>,
): Promise<FanOut> {
  const half: number[] = [];
  const all: number[] = [];
  for (let change = 0; change < WARM_UP + changes; change += 1) {
    const times = await fleet.applied(() => publish((change * 7) % proxies));
    if (change < WARM_UP) continue;
    half.push(median(times));
    all.push(times.at(-1) ?? NaN);
  }
  const both = (values: readonly number[]) => ({ median: median(values), p99: percentile(values, 99) });
  return { half: both(half), all: both(all) };
}

/** All gateways in one environment with few proxies: what they cost their Redis, and how long a change takes to reach all. */
export async function measureGateways(options: CapacityOptions): Promise<ManyGateways> {
  const { redisUrl, gateways, changes, processes, idleMs, say } = options;
  const environment = new CapacityEnvironment(redisUrl, 'many-gateways');
  await environment.fill(PROXIES_OF_MANY_GATEWAYS);
  const before = await redisCounters(environment.redis);
  say(`${gateways} gateways start in ${processes} processes`);
  const fleet = await GatewayFleet.start(environment.place, gateways, processes);
  try {
    const idleFrom = await redisCounters(environment.redis);
    await pause(idleMs);
    const idleTo = await redisCounters(environment.redis);
    say(`${changes} changes, one after the other`);
    const asked = { changes, proxies: PROXIES_OF_MANY_GATEWAYS };
    const fanOut = await fanOutOf(fleet, asked, (proxy) => environment.publish(proxy));
    let found = 0;
    const readMs = await timedRuns(LEASE_READS, async () => (found = await environment.readLeases()));
    return {
      ...{ gateways, connections: idleTo.clients - before.clients },
      redisBytesPerGateway: (idleTo.usedBytes - before.usedBytes) / gateways,
      ...{ idle: ratesBetween(idleFrom, idleTo), fanOut, leases: { found, medianMs: median(readMs) } },
    };
  } finally {
    await fleet.stop();
    environment.close();
  }
}

/** All proxies in one environment with few gateways: what they take in Redis, and what joining and publishing costs. */
export async function measureProxies(options: CapacityOptions): Promise<ManyProxies> {
  const { redisUrl, proxies, changes, say } = options;
  const environment = new CapacityEnvironment(redisUrl, 'many-proxies');
  const before = await redisCounters(environment.redis);
  say(`${proxies} proxies are published`);
  const publishMs = await timed(() => environment.fill(proxies));
  const filled = await redisCounters(environment.redis);
  const join = { found: 0, ms: 0, sentBytes: 0 };
  join.ms = await timed(async () => (join.found = await environment.join()));
  join.sentBytes = (await redisCounters(environment.redis)).sentBytes - filled.sentBytes;
  const whole = { found: 0, ms: 0 };
  whole.ms = await timed(async () => (whole.found = await environment.readWhole()));
  say(`${GATEWAYS_OF_MANY_PROXIES} gateways join; ${changes} changes, one after the other`);
  const fleet = await GatewayFleet.start(environment.place, GATEWAYS_OF_MANY_PROXIES, 1);
  try {
    const fanOut = await fanOutOf(fleet, { changes, proxies }, (proxy) => environment.publish(proxy));
    const redisBytesPerProxy = (filled.usedBytes - before.usedBytes) / proxies;
    return { proxies, publishMs, redisBytesPerProxy, join, whole, fanOut };
  } finally {
    await fleet.stop();
    environment.close();
  }
}
