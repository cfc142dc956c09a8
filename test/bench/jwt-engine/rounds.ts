import { performance } from 'node:perf_hooks';
import { median } from '../event-store/figures.ts';

/** Does its work on the token at a place of the list; false when a good token was refused. */
export type Work = (index: number) => boolean;
export type SlowWork = (index: number) => Promise<boolean>;

export interface Contestant {
  readonly name: string;
  readonly work: Work | { readonly oneAtATime: SlowWork };
}

/** Microseconds of one piece of work, per round. */
export interface Times {
  readonly name: string;
  readonly micros: readonly number[];
}

export interface Rounds {
  readonly rounds: number;
  /** Pieces of work in a round. */
  readonly pieces: number;
}

const failed = (name: string): Error => new Error(`broken assumption: ${name} did not end as it should`);

const timeRound = async ({ name, work }: Contestant, pieces: number): Promise<number> => {
  const startMs = performance.now();
  if (typeof work === 'function') {
    for (let index = 0; index < pieces; index += 1) if (!work(index)) throw failed(name);
  } else {
    for (let index = 0; index < pieces; index += 1) if (!(await work.oneAtATime(index))) throw failed(name);
  }
  return ((performance.now() - startMs) * 1000) / pieces;
};

/**
 * Lets the contestants work in turns, so that what slows the machine slows all of them. The first fifth of the rounds
 * only warms up.
 *
 * @throws Error when a contestant's work does not end as it should.
 */
export const race = async (contestants: readonly Contestant[], { rounds, pieces }: Rounds): Promise<Times[]> => {
  const times = contestants.map(({ name }) => ({ name, micros: [] as number[] }));
  const warmUp = Math.ceil(rounds / 5);
  for (let round = 0; round < warmUp + rounds; round += 1) {
    for (const [place, contestant] of contestants.entries()) {
      const micros = await timeRound(contestant, pieces);
      if (round >= warmUp) times[place]?.micros.push(micros);
    }
  }
  return times;
};

export const typicalMicros = ({ micros }: Times): number => median(micros);

/** How many times as fast the first is: the median over the rounds, each compared with its neighbour in time. */
export const throughputRatio = (of: Times, against: Times): number =>
  median(of.micros.map((micros, round) => (against.micros[round] ?? NaN) / micros));
