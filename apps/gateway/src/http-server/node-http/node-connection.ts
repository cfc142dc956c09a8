import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { ClientConnection } from '../client-exchange.ts';
import { connectionOf } from '../listener/connection-facts.ts';

/** What is to be done when everything before it on its connection is answered. */
export interface Turn {
  /** Undefined: what came is no request that Node's server would answer. */
  readonly request?: IncomingMessage;
  readonly start: () => void;
}

interface Exchange {
  readonly response: ServerResponse;
  readonly finish: () => void;
}

/** So many requests behind the present one stop the reading; the bytes that are parsed already bring some more. */
const MOST_WAITING = 16;

/**
 * A connection of Node's server, which gives out every request that it has read. Here the next one starts when the one before
 * is over: side by side they could reach their upstreams in another order, which only safe methods may (RFC 9112 section
 * 9.3.2), and none may start behind one that ended the connection.
 */
export class NodeConnection implements ClientConnection {
  readonly peerAddress: string;
  readonly isEncrypted: boolean;
  #present: Exchange | undefined;
  readonly #waiting: Turn[] = [];
  #isHeld = false;
  #takesMore = true;

  constructor(private readonly socket: Socket) {
    ({ peerAddress: this.peerAddress, isEncrypted: this.isEncrypted } = connectionOf(socket));
  }

  get isIdle(): boolean {
    return this.#present === undefined;
  }

  /** The body of the present request is not whole. */
  get isReceiving(): boolean {
    return this.#present?.response.req.complete === false;
  }

  take(turn: Turn): void {
    if (!this.#takesMore) return;
    if (this.#present === undefined) return turn.start();
    this.#waiting.push(turn);
    if (this.#waiting.length >= MOST_WAITING) this.#hold();
  }

  /** Nothing is taken behind it. */
  takeLast(turn: Turn): void {
    this.take(turn);
    this.#takesMore = false;
  }

  /** Takes back a request whose body can never become whole, unless it has started. */
  dropBroken(): void {
    if (this.#waiting.at(-1)?.request?.complete === false) this.#waiting.pop();
  }

  /** Calls back once: when the answer is out, or when its connection is gone. */
  whenOver(response: ServerResponse, then: () => void): void {
    const finish = (): void => {
      this.#present = undefined;
      response.off('close', finish);
      then();
      this.#next();
    };
    this.#present = { response, finish };
    response.once('close', finish);
  }

  stopKeeping(): void {
    if (this.#present !== undefined) this.#present.response.shouldKeepAlive = false;
  }

  closed(): void {
    this.#waiting.length = 0;
    this.#present?.finish();
  }

  /** Node tells an answer no more that it can go on, once its connection asked for an upgrade or to CONNECT. */
  tellDrains(): void {
    this.socket.on('drain', () => this.#present?.response.emit('drain'));
  }

  #next(): void {
    if (!this.socket.writable) this.#waiting.length = 0;
    const turn = this.#waiting.shift();
    if (this.#isHeld && this.#waiting.length < MOST_WAITING) this.#release();
    turn?.start();
  }

  #hold(): void {
    if (!this.#isHeld) this.socket.on('resume', this.#pause);
    this.#isHeld = true;
    this.socket.pause();
  }

  #release(): void {
    this.#isHeld = false;
    this.socket.off('resume', this.#pause).resume();
  }

  /** Node resumes the connection whenever the body of the present request is asked for. */
  readonly #pause = (): void => void this.socket.pause();
}
