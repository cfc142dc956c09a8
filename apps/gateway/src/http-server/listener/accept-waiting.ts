import type { Server } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** So many turns of the event loop without a new connection mean that none is waiting. */
const QUIET_TURNS = 5;
const MOST_ACCEPTING_TURNS = 1_000;

/**
 * Fulfils when the connections that wait to be accepted have been: closing the server would reset them. One comes a turn of
 * the event loop.
 */
export async function acceptWaiting(server: Server): Promise<void> {
  let accepted = 0;
  const count = () => (accepted += 1);
  server.on('connection', count);
  let [quiet, seen] = [0, 0];
  for (let turn = 0; turn < MOST_ACCEPTING_TURNS && quiet < QUIET_TURNS; turn += 1) {
    await nextTurn();
    quiet = accepted === seen ? quiet + 1 : 0;
    seen = accepted;
  }
  server.off('connection', count);
}
