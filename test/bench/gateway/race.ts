import type { BenchSite } from './bench-site.ts';
import type { BenchTokens } from './bench-tokens.ts';
import type { Contestant } from './contestant.ts';
import type { BenchOptions } from './options.ts';
import { measureRound, medianRound, voidReason, type Round } from './rounds.ts';
import type { Pace, TokensInTurn } from './wrk-load.ts';

/** From hard to gentle: the first at which no contestant of a row needs more of the load core than it may. */
const PACES: readonly Pace[] = [
  { connections: 64, pauseMs: 0 },
  { connections: 64, pauseMs: 1 },
  { connections: 64, pauseMs: 2 },
  { connections: 64, pauseMs: 4 },
  { connections: 64, pauseMs: 8 },
];
const WARM_UP_SECONDS = 3;
/** A round that does not count is measured again, so often at most for each that is wanted. */
const TRIES_PER_ROUND = 3;

export interface RaceTokens {
  readonly tokens: BenchTokens;
  /** How many different ones there are in a round's turn. */
  readonly count: number;
}

export interface RaceResult {
  readonly pace: Pace;
  /** By the order of the contestants. */
  readonly medians: readonly Round[];
  readonly rounds: readonly (readonly Round[])[];
  /** How many rounds did not count, by reason. */
  readonly voided: { readonly load: number; readonly foreign: number };
}

/** Takes turns over the tokens: a round goes on where the one before ended, so that each is asked for last in the order. */
class TokenTurns {
  private next = 0;

  constructor(private readonly race: RaceTokens | undefined) {}

  take(): TokensInTurn | undefined {
    if (this.race === undefined) return undefined;
    const { tokens, count } = this.race;
    return { file: tokens.file, first: this.next, count };
  }

  used(requests: number, total: number): void {
    if (this.race !== undefined && this.race.count === total) this.next = (this.next + requests) % total;
  }
}

/** All contestants in turns, under the same load. @throws Error when one of them answers otherwise than it should */
export async function race(
  site: BenchSite,
  contestants: readonly Contestant[],
  { tokens, options, distinctTokens }: { tokens?: RaceTokens; options: BenchOptions; distinctTokens: number },
): Promise<RaceResult> {
  const turns = contestants.map(() => new TokenTurns(tokens));
  const runOne = async (index: number, pace: Pace, seconds: number): Promise<Round> => {
    const round = await measureRound(site, contestants[index]!, { seconds, pace, tokens: turns[index]?.take() });
    turns[index]?.used(Math.round(round.requestsPerSecond * seconds), distinctTokens);
    return round;
  };
  for (const index of contestants.keys()) await runOne(index, PACES[0]!, WARM_UP_SECONDS);
  const pace = await gentleEnough(contestants.length, runOne);
  const kept: Round[][] = contestants.map(() => []);
  const voided = { load: 0, foreign: 0 };
  for (let turn = 0; turn < options.rounds * TRIES_PER_ROUND; turn += 1) {
    for (const [index, mine] of kept.entries()) {
      if (mine.length >= options.rounds) continue;
      const round = await runOne(index, pace, options.roundSeconds);
      const reason = voidReason(round);
      if (reason !== undefined) voided[reason] += 1;
      if (reason === undefined || (options.isQuick && reason === 'foreign')) mine.push(round);
    }
    if (kept.every(({ length }) => length >= options.rounds)) break;
  }
  return { pace, medians: kept.map(medianRound), rounds: kept, voided };
}

async function gentleEnough(
  contestants: number,
  runOne: (index: number, pace: Pace, seconds: number) => Promise<Round>,
): Promise<Pace> {
  for (const pace of PACES.slice(0, -1)) {
    let isGentle = true;
    for (let index = 0; index < contestants && isGentle; index += 1) {
      isGentle = voidReason(await runOne(index, pace, 1)) !== 'load';
    }
    if (isGentle) return pace;
  }
  return PACES.at(-1)!;
}
