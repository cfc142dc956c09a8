const FIRST_MS = 200;
const LONGEST_MS = 8_000;
/** After so many runs the pause has become the longest one. */
const DOUBLED_TIMES = Math.ceil(Math.log2(LONGEST_MS / FIRST_MS));

/**
 * Milliseconds until a job that could not be done runs again: twice as long after each run, up to a limit, and never the
 * same for all that failed at once.
 *
 * @param runs that have failed, from 1
 * @param random from 0 to 1, 1 excluded
 */
export function nextRunAfterMs(runs: number, random = Math.random()): number {
  const longestMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(runs - 1, DOUBLED_TIMES));
  return Math.round(longestMs * (0.5 + random / 2));
}
