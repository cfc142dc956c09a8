import type { Socket } from 'node:net';
import { readInPlace } from '../../sockets/read-in-place.ts';
import type { ClientConnection } from '../client-exchange.ts';
import { LISTENER_PACE } from '../gateway-settings.ts';
import type { RequestLimits } from '../request-limits.ts';
import type { TrafficHandler } from '../traffic-handler.ts';
import { LaneAnswer, type AnswerLine } from './lane-answer.ts';
import { readPlainRequest } from './lane-request.ts';

/** What all connections of the lane share. */
export interface LaneContext {
  readonly handler: TrafficHandler;
  readonly limits: RequestLimits;
  readonly keepingLines: string;
  /** No connection is kept any more. */
  readonly isDraining: boolean;
  /** Counts up slowly: what time it is for connections that wait. */
  readonly tick: number;
  /** The connection is gone. */
  readonly forget: (socket: Socket) => void;
  /** The connection is another's from here on, which has to read these bytes first: one a character. */
  readonly handOver: (connection: LaneConnection, unread: string) => void;
}

/** Bytes behind the present request that are kept; above it nothing more is read until it is answered. */
const MOST_KEPT_BYTES = 64 * 1024;

/** What all connections read into: what came has become text before the next one reads. */
const SHARED = Buffer.allocUnsafeSlow(64 * 1024);

/** One connection: its requests one after the other, as long as they are plain ones. */
export class LaneConnection implements AnswerLine {
  readonly socket: Socket;
  /** The tick at which it began to wait for a request, or for its client to read on. */
  #waitsSince: number;
  #hasServed = false;
  /** Bytes that were given to the system when it was last looked at. */
  #takenBytes = 0;
  #answer: LaneAnswer | undefined;
  /** What came behind the present request, one character a byte. */
  #kept: string | undefined;
  #keptFrom = 0;
  /** What still comes is read and thrown away. */
  #isClosing = false;
  #hasLeft = false;

  constructor(
    private readonly context: LaneContext,
    accepted: Socket,
    private readonly client: ClientConnection,
  ) {
    this.#waitsSince = context.tick;
    const inPlace = readInPlace(accepted, { buffer: SHARED, callback: (count, bytes) => this.#read(count, bytes) });
    this.socket = inPlace ?? accepted.on('data', this.#onData);
    this.socket.on('end', this.#onEnd).on('drain', this.#onDrain).on('error', this.#onError).on('close', this.#onClose);
  }

  get keepingLines(): string {
    return this.context.keepingLines;
  }

  /** Nothing of a request is here. */
  get isIdle(): boolean {
    return this.#answer === undefined && this.#kept === undefined && !this.#isClosing;
  }

  stopKeeping(): void {
    // Of an answer that has begun the client was told already that the connection is kept.
    if (this.#answer?.isBegun === false) this.#answer.keepsConnection = false;
  }

  /** Ends the connection when it waited too long; called once a tick. */
  look(): void {
    const { tick, limits } = this.context;
    const takenBytes = this.socket.bytesWritten - this.socket.writableLength;
    if (!this.isIdle && (this.socket.writableLength === 0 || takenBytes !== this.#takenBytes)) this.#waitsSince = tick;
    this.#takenBytes = takenBytes;
    // One tick less: the first may have come right after the wait began.
    const waitedMs = (tick - this.#waitsSince - 1) * LISTENER_PACE.deadlineCheckMs;
    const keptMs = this.#hasServed ? limits.clientIdleTimeoutMs : limits.headerTimeoutMs;
    if (waitedMs >= (this.isIdle ? keptMs : limits.writeIdleTimeoutMs)) this.socket.destroy();
  }

  finished(answer: LaneAnswer): void {
    this.#answer = undefined;
    this.#waitsSince = this.context.tick;
    if (!answer.keepsConnection) this.#close();
    // Not at once: a chain of answers that are ready would call itself ever deeper.
    else if (this.#kept !== undefined) process.nextTick(this.#takeKept);
    answer.over();
  }

  /** Ends without a trace on the socket. What is read from now on is for whoever listens to its data. */
  leave(): void {
    this.#hasLeft = true;
    this.socket
      .off('data', this.#onData)
      .off('end', this.#onEnd)
      .off('drain', this.#onDrain)
      .off('error', this.#onError)
      .off('close', this.#onClose);
  }

  readonly #onData = (chunk: Buffer): void => this.#came(chunk.toString('latin1'));

  readonly #takeKept = (): void => {
    const kept = this.#kept;
    if (kept === undefined || this.socket.destroyed) return;
    this.#kept = undefined;
    if (this.socket.isPaused()) this.socket.resume();
    this.#take(kept, this.#keptFrom);
  };

  readonly #onDrain = (): void => this.#answer?.drained();

  /** As Node's server has it: whoever stops sending has left, but gets what was already said. */
  readonly #onEnd = (): void => {
    if (this.#answer !== undefined && !this.#answer.isEnded) return void this.socket.destroy();
    this.#answer?.writeNow();
    this.#close();
  };

  /** `close` follows. */
  readonly #onError = (): void => undefined;

  readonly #onClose = (): void => {
    this.context.forget(this.socket);
    this.#kept = undefined;
    const answer = this.#answer;
    this.#answer = undefined;
    answer?.over();
  };

  /** @returns false when nothing more is to be read for now */
  #read(count: number, bytes: Uint8Array): boolean {
    if (this.#hasLeft) return this.socket.push(Buffer.from(bytes.subarray(0, count)));
    this.#came(SHARED.toString('latin1', 0, count));
    return true;
  }

  #came(text: string): void {
    if (this.isIdle) this.#take(text, 0);
    else if (!this.#isClosing) this.#keep(text);
  }

  #take(unread: string, at: number): void {
    const request = readPlainRequest(unread, at, this.client, this.context.limits);
    if (request === undefined) return this.context.handOver(this, unread.slice(at));
    if (request.endsAt < unread.length) {
      this.#kept = unread;
      this.#keptFrom = request.endsAt;
    }
    this.#hasServed = true;
    const answer = new LaneAnswer(this, request.method === 'HEAD', !request.isLast && !this.context.isDraining);
    this.#answer = answer;
    this.context.handler.handle(request, answer);
  }

  #keep(text: string): void {
    const kept = this.#kept === undefined ? text : this.#kept.slice(this.#keptFrom) + text;
    this.#kept = kept;
    this.#keptFrom = 0;
    if (kept.length > MOST_KEPT_BYTES) this.socket.pause();
  }

  #close(): void {
    this.#isClosing = true;
    this.#kept = undefined;
    this.socket.destroySoon();
  }
}
