import { performance } from 'node:perf_hooks';
import { median } from '../event-store/figures.ts';
import type { BenchSite } from './bench-site.ts';
import { coreBusyMs } from './cores.ts';
import type { Contestant } from './contestant.ts';
import { runWrk, type Pace, type TokensInTurn } from './wrk-load.ts';

/** Above it, wrk and nginx would be what is measured. */
const MOST_LOAD_BUSY = 0.9;
/** More of either core taken by others than this, and the figures are not of an otherwise quiet machine. */
const MOST_FOREIGN = 0.1;

/** One run against one contestant. Shares are of one core's time. */
export interface Round {
  readonly microsPerRequest: number;
  readonly requestsPerSecond: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
  readonly testedBusy: number;
  /** wrk and the upstream. */
  readonly loadBusy: number;
  /** Whatever else ran on either core: the larger of the two. */
  readonly foreignBusy: number;
}

/** Why a round does not count; undefined: it does. */
export function voidReason({ loadBusy, foreignBusy }: Round): 'load' | 'foreign' | undefined {
  if (loadBusy > MOST_LOAD_BUSY) return 'load';
  return foreignBusy > MOST_FOREIGN ? 'foreign' : undefined;
}

export interface RoundWishes {
  readonly seconds: number;
  readonly pace: Pace;
  readonly tokens?: TokensInTurn | undefined;
}

export async function measureRound(site: BenchSite, contestant: Contestant, wishes: RoundWishes): Promise<Round> {
  const { cores } = site;
  const look = () => ({
    ...{ atMs: performance.now(), testedMs: contestant.process.cpuMs(), upstreamMs: site.upstreamCpuMs() },
    ...{ testedCoreMs: coreBusyMs(cores.tested), loadCoreMs: coreBusyMs(cores.load) },
  });
  const before = look();
  const load = await runWrk({ wrk: site.tools.wrk, port: contestant.port, path: contestant.path, ...wishes });
  const after = look();
  const wallMs = load.micros / 1_000;
  const took = (name: keyof typeof before): number => after[name] - before[name];
  const loadMs = load.cpuMs + took('upstreamMs');
  const foreignMs = Math.max(took('testedCoreMs') - took('testedMs'), took('loadCoreMs') - loadMs);
  return {
    microsPerRequest: (took('testedMs') * 1_000) / load.requests,
    requestsPerSecond: load.requests / (wallMs / 1_000),
    ...{ p50Micros: load.p50Micros, p99Micros: load.p99Micros },
    ...{ testedBusy: took('testedMs') / wallMs, loadBusy: loadMs / wallMs },
    foreignBusy: Math.max(0, foreignMs) / took('atMs'),
  };
}

/** The rounds of one contestant, in one figure each. */
export function medianRound(rounds: readonly Round[]): Round {
  const of = (name: keyof Round): number => median(rounds.map((round) => round[name]));
  return {
    ...{ microsPerRequest: of('microsPerRequest'), requestsPerSecond: of('requestsPerSecond') },
    ...{ p50Micros: of('p50Micros'), p99Micros: of('p99Micros') },
    ...{ testedBusy: of('testedBusy'), loadBusy: of('loadBusy'), foreignBusy: of('foreignBusy') },
  };
}
