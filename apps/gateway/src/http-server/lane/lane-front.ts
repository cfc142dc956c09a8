import type { Socket } from 'node:net';
import { LISTENER_PACE } from '../gateway-settings.ts';
import { connectionOf } from '../listener/connection-facts.ts';
import type { RequestLimits } from '../request-limits.ts';
import type { TrafficHandler } from '../traffic-handler.ts';
import { LaneConnection, type LaneContext } from './lane-connection.ts';

/** Takes over a connection that asks for more than the lane knows; its unread bytes come first in its socket again. */
export type OtherFront = (socket: Socket) => void;

const MS_PER_SECOND = 1_000;

/**
 * The fast way for plain HTTP/1.1 requests: it reads and answers on the socket itself. What is not plain, or not there as a
 * whole, goes with its connection to the other front, for good; so it is never the lane that refuses.
 */
export class LaneFront implements LaneContext {
  tick = 0;
  isDraining = false;
  readonly keepingLines: string;
  /** Not in a Set: see `NodeFront`. */
  readonly #connections = new Map<Socket, LaneConnection>();
  readonly #sweeper: NodeJS.Timeout;

  constructor(
    readonly handler: TrafficHandler,
    readonly limits: RequestLimits,
    private readonly otherFront: OtherFront,
  ) {
    const keptSeconds = Math.floor(limits.clientIdleTimeoutMs / MS_PER_SECOND);
    this.keepingLines = `Connection: keep-alive\r\nKeep-Alive: timeout=${keptSeconds}\r\n`;
    this.#sweeper = setInterval(() => this.#sweep(), LISTENER_PACE.deadlineCheckMs).unref();
  }

  /**
   * Reads the connection from here on. Nobody else listens to the socket's data.
   *
   * @returns the connection's socket from now on; the other one closes with it
   */
  accept(accepted: Socket): Socket {
    const connection = new LaneConnection(this, accepted, connectionOf(accepted));
    this.#connections.set(connection.socket, connection);
    return connection.socket;
  }

  readonly forget = (socket: Socket): void => {
    this.#connections.delete(socket);
  };

  readonly handOver = (connection: LaneConnection, unread: string): void => {
    const { socket } = connection;
    connection.leave();
    this.forget(socket);
    // Paused, so that the bytes wait in the socket until the other front listens; they come before any later ones.
    socket.pause();
    socket.unshift(unread, 'latin1');
    this.otherFront(socket);
    socket.resume();
  };

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** No connection is kept after its present answer, nor any later one after its first. */
  stopKeeping(): void {
    this.isDraining = true;
    for (const connection of this.#connections.values()) connection.stopKeeping();
  }

  /** Ends the connections on which nothing is under way. */
  closeIdle(): void {
    for (const [socket, connection] of this.#connections) {
      if (connection.isIdle) socket.destroy();
    }
  }

  destroyAll(): void {
    for (const socket of this.#connections.keys()) socket.destroy();
  }

  /** No more connections will be taken. */
  close(): void {
    clearInterval(this.#sweeper);
  }

  #sweep(): void {
    this.tick += 1;
    for (const connection of this.#connections.values()) connection.look();
  }
}
