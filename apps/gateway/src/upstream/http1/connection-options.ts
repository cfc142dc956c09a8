import type { OnReadOpts, Socket } from 'node:net';
import type { Ticks } from './ticks.ts';

/** Opens a socket that is read in this way. It may be used when it says `ready`. */
export interface SocketOpener {
  open(onRead: OnReadOpts): { readonly socket: Socket; readonly ready: 'connect' | 'secureConnect' };
}

export interface ConnectionOptions {
  readonly opener: SocketOpener;
  readonly ticks: Ticks;
  readonly maxHeadBytes: number;
  readonly connectTimeoutMs: number;
  /** How long it is kept for the next request when the upstream says nothing of it. */
  readonly idleTimeoutMs: number;
}

/** Why a connection could not be opened. */
export interface OpenFailure {
  readonly kind: 'unreachable' | 'forbidden';
  readonly reason: string;
}

/** The upstream closes when its own time is up: the last second is not used. */
const KEEP_ALIVE_MARGIN_SECONDS = 1;
const LONGEST_KEEP_ALIVE_SECONDS = 600;

/**
 * How long a connection is kept for its next request; 0 or less: not at all.
 *
 * @param saidSeconds of the upstream's `Keep-Alive`, or -1
 */
export function keptForMs(saidSeconds: number, idleTimeoutMs: number): number {
  if (saidSeconds === -1) return idleTimeoutMs;
  return (Math.min(saidSeconds, LONGEST_KEEP_ALIVE_SECONDS) - KEEP_ALIVE_MARGIN_SECONDS) * 1_000;
}
