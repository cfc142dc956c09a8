import type { Socket } from 'node:net';
import type { ClientConnection } from '../client-exchange.ts';
import { LISTENER_PACE } from '../gateway-settings.ts';
import type { RequestLimits } from '../request-limits.ts';
import type { TrafficHandler } from '../traffic-handler.ts';
import { LaneAnswer, type AnswerLine } from './lane-answer.ts';
import { readPlainRequest, type UnreadBytes } from './lane-request.ts';

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
  /** The connection is another's from here on, which has to read these bytes first. */
  readonly handOver: (connection: LaneConnection, unread: Buffer) => void;
}

/** Bytes behind the present request that are kept; above it nothing more is read until it is answered. */
const MOST_KEPT_BYTES = 64 * 1024;

const withText = (bytes: Buffer): UnreadBytes => ({ bytes, text: bytes.toString('latin1') });

/** One connection: its requests one after the other, as long as they are plain ones. */
export class LaneConnection implements AnswerLine {
  /** The tick at which it began to wait for a request, or for its client to read on. */
  #waitsSince: number;
  #hasServed = false;
  /** Bytes that were given to the system when it was last looked at. */
  #takenBytes = 0;
  #answer: LaneAnswer | undefined;
  /** What came behind the present request. */
  #kept: UnreadBytes | undefined;
  #keptFrom = 0;
  #isFlushSoon = false;
  /** What still comes is read and thrown away. */
  #isClosing = false;

  constructor(
    private readonly context: LaneContext,
    readonly socket: Socket,
    private readonly client: ClientConnection,
  ) {
    this.#waitsSince = context.tick;
    socket
      .on('data', this.#onData)
      .on('end', this.#onEnd)
      .on('drain', this.#onDrain)
      .on('error', this.#onError)
      .on('close', this.#onClose);
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

  flushSoon(): void {
    if (this.#isFlushSoon) return;
    this.#isFlushSoon = true;
    process.nextTick(this.#flush);
  }

  finished(answer: LaneAnswer): void {
    this.#answer = undefined;
    this.#waitsSince = this.context.tick;
    if (!answer.keepsConnection) this.#close();
    // Not at once: a chain of answers that are ready would call itself ever deeper.
    else if (this.#kept !== undefined) process.nextTick(this.#takeKept);
    answer.over();
  }

  /** Ends without a trace on the socket; gives it back as it was. */
  leave(): void {
    this.socket
      .off('data', this.#onData)
      .off('end', this.#onEnd)
      .off('drain', this.#onDrain)
      .off('error', this.#onError)
      .off('close', this.#onClose);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.isIdle) this.#take(withText(chunk), 0);
    else if (!this.#isClosing) this.#keep(chunk);
  };

  readonly #flush = (): void => {
    this.#isFlushSoon = false;
    this.#answer?.flush();
  };

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

  #take(unread: UnreadBytes, at: number): void {
    const { bytes } = unread;
    const request = readPlainRequest(unread, at, this.client, this.context.limits);
    if (request === undefined) return this.context.handOver(this, at === 0 ? bytes : bytes.subarray(at));
    if (request.endsAt < bytes.length) {
      this.#kept = unread;
      this.#keptFrom = request.endsAt;
    }
    this.#hasServed = true;
    const answer = new LaneAnswer(this, request.method === 'HEAD', !request.isLast && !this.context.isDraining);
    this.#answer = answer;
    this.context.handler.handle(request, answer);
  }

  #keep(chunk: Buffer): void {
    const kept = this.#kept?.bytes.subarray(this.#keptFrom);
    const bytes = kept === undefined ? chunk : Buffer.concat([kept, chunk]);
    this.#kept = withText(bytes);
    this.#keptFrom = 0;
    if (bytes.length > MOST_KEPT_BYTES) this.socket.pause();
  }

  #close(): void {
    this.#isClosing = true;
    this.#kept = undefined;
    this.socket.destroySoon();
  }
}
