/** A job ended early so that others can run: it is not to come back at once and push them out in turn. */
export class RoomMade extends Error {
  readonly code = 'ROOM_MADE';
  constructor(environment: string) {
    super(`too many deployments wait for gateways of ${environment}: this one is asked about again later`);
    this.name = 'RoomMade';
  }
}

const ROOM_KEPT_MS = 60_000;
const FIRST_MS = 200;
const LONGEST_MS = 8_000;
/** After so many runs the pause has become the longest one. */
const DOUBLED_TIMES = Math.ceil(Math.log2(LONGEST_MS / FIRST_MS));

/**
 * Milliseconds until a job that could not be done runs again: twice as long after each run, up to a limit, and never the
 * same for all that failed at once.
 *
 * @param runs that have failed, from 1
 * @param reason why the last one did
 * @param random from 0 to 1, 1 excluded
 */
export function nextRunAfterMs(runs: number, reason: unknown, random = Math.random()): number {
  const doubledMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(runs - 1, DOUBLED_TIMES));
  const longestMs = reason instanceof RoomMade ? ROOM_KEPT_MS : doubledMs;
  return Math.round(longestMs * (0.5 + random / 2));
}
