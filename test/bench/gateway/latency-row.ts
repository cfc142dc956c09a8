import { median } from '../event-store/figures.ts';
import type { BenchTokens } from './bench-tokens.ts';
import { CLIENTS } from './bench-tokens.ts';
import type { BenchSite } from './bench-site.ts';
import { checkContestant, firstToken, type Contestant } from './contestant.ts';
import { startHaproxy } from './haproxy-peer.ts';
import { measureRound, voidReason, type Round } from './rounds.ts';
import { contestantOf, type SpeedGround } from './speed-rows.ts';
import type { TableRow } from './table.ts';
import type { Pace } from './wrk-load.ts';

export const LATENCY_ROW = 'p99-at-60-percent';
const SHARE_OF_MAXIMUM = 0.6;
const MOST = 3;
/** Many, each with a pause of its own before each request: nearly so many strangers, who do not wait for each other. */
const CONNECTIONS = 256;
const MAXIMUM_ROUNDS = 3;

interface Measured {
  readonly site: BenchSite;
  readonly tokens: BenchTokens;
  readonly seconds: number;
}

const roundAt = ({ site, tokens, seconds }: Measured, contestant: Contestant, pace: Pace): Promise<Round> =>
  measureRound(site, contestant, { seconds, pace, tokens: { file: tokens.file, first: 0, count: CLIENTS } });

/**
 * p99 at 60 % of what the gateway can at most, and HAProxy's at the same rate, RS256 tokens that repeat. wrk makes the
 * rate: each of 256 connections pauses by chance before each request. It counts from the moment a request is written, and
 * puts in the requests that a late answer held back (its correction for coordinated omission).
 */
export async function runLatencyRow({ site, gateway, tokens, options }: SpeedGround): Promise<TableRow[]> {
  const measured = { site, tokens: tokens.RS256, seconds: options.roundSeconds };
  const [ours, haproxy] = [contestantOf(gateway, 'rs256'), await startHaproxy(site, tokens.RS256)];
  for (const one of [ours, haproxy]) await checkContestant(one, tokens.RS256, firstToken(tokens.RS256));
  const closed = { connections: 64, pauseMs: 0 };
  const maxima: number[] = [];
  for (let round = 0; round < MAXIMUM_ROUNDS; round += 1) {
    maxima.push((await roundAt(measured, ours, closed)).requestsPerSecond);
  }
  const wantedRate = median(maxima) * SHARE_OF_MAXIMUM;
  const pace = await paceFor(wantedRate, (one) => roundAt({ ...measured, seconds: 2 }, ours, one));
  const [mine, theirs]: [Round[], Round[]] = [[], []];
  let voids = 0;
  for (let turn = 0; turn < options.rounds * 3 && theirs.length < options.rounds; turn += 1) {
    const pair = [await roundAt(measured, ours, pace), await roundAt(measured, haproxy, pace)] as const;
    const isVoid = pair.some((round) => voidReason(round) === 'load' || (!options.isQuick && voidReason(round)));
    if (isVoid) voids += 1;
    else [mine, theirs].forEach((kept, index) => kept.push(pair[index]!));
  }
  await haproxy.process.stop();
  const ratio = median(mine.map((round, index) => round.p99Micros / theirs[index]!.p99Micros));
  return [
    {
      ...{ work: LATENCY_ROW, beside: 'HAProxy', wanted: `≤ ${MOST} ×`, reached: `${ratio.toFixed(2)} ×` },
      ...{ isMet: ratio <= MOST, ours: timesOf(mine), theirs: timesOf(theirs) },
      notes: `of ${(median(maxima) / 1_000).toFixed(1)} k/s; ${CONNECTIONS} connections; ${mine.length} rounds, void ${voids}`,
    },
  ];
}

/** The pause with which the connections together ask at a rate, found by asking. */
async function paceFor(wantedRate: number, ask: (pace: Pace) => Promise<Round>): Promise<Pace> {
  const cycleMs = (CONNECTIONS * 1_000) / wantedRate;
  let pauseMs = cycleMs;
  for (let step = 0; step < 3; step += 1) {
    const { requestsPerSecond } = await ask({ connections: CONNECTIONS, pauseMs });
    const waitsMs = (CONNECTIONS * 1_000) / requestsPerSecond - pauseMs;
    pauseMs = Math.max(0.5, cycleMs - waitsMs);
  }
  return { connections: CONNECTIONS, pauseMs };
}

function timesOf(rounds: readonly Round[]): string {
  const of = (name: keyof Round): number => median(rounds.map((round) => round[name]));
  const rate = `${(of('requestsPerSecond') / 1_000).toFixed(1)} k/s`;
  return `p50 ${(of('p50Micros') / 1_000).toFixed(2)} ms, p99 ${(of('p99Micros') / 1_000).toFixed(2)} ms at ${rate}`;
}
