import type { Socket } from 'node:net';
import { forwardableTrailers } from '../forwardable-trailers.ts';
import type { StreamedBody } from '../transport.ts';

/** Who sends a body. */
export interface BodyOwner {
  /** Something of it went out, or all of it, or the connection takes more again. */
  bodyProgressed(): void;
  /** It cannot be completed. @param reason for logs */
  bodyFailed(reason: string): void;
}

const CHUNKED = -1;

/** Sends a body as it comes from the client, no faster than the connection takes it. */
export class BodySender {
  /** All of it was written. */
  isDone = false;
  /** The client's turn: it has not sent more yet. */
  awaitsClient = true;
  #isStopped = false;

  /** @param leftBytes declared length, or -1: in chunks (RFC 9112 section 7.1) */
  constructor(
    private readonly socket: Socket,
    private readonly body: StreamedBody,
    private leftBytes: number,
    private readonly owner: BodyOwner,
  ) {}

  /** The head leaves together with the first piece when that is here already, else by itself. */
  start(head: string): void {
    const { socket, body } = this;
    socket.cork();
    socket.write(head, 'latin1');
    setImmediate(() => socket.uncork());
    body.on('data', this.#send).once('end', this.#end).once('close', this.#breakOff).once('error', this.#breakOff);
    // An attempt before may have paused it.
    body.resume();
  }

  /** The connection takes more. */
  goOn(): void {
    if (this.isDone || this.#isStopped) return;
    this.awaitsClient = true;
    this.body.resume();
    this.owner.bodyProgressed();
  }

  /** Nothing more of it is sent. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.awaitsClient = false;
    this.body.off('data', this.#send).off('end', this.#end).off('close', this.#breakOff).off('error', this.#breakOff);
    // What was not begun may still be sent elsewhere.
    if (this.body.isStarted) this.body.destroy();
    else this.body.pause();
  }

  readonly #send = (piece: Buffer): void => {
    if (piece.length === 0) return;
    const isTaken = this.leftBytes === CHUNKED ? this.#writeChunk(piece) : this.#writePlain(piece);
    if (isTaken === undefined) return;
    if (!isTaken) {
      this.awaitsClient = false;
      this.body.pause();
    }
    this.owner.bodyProgressed();
  };

  #writeChunk(piece: Buffer): boolean {
    const { socket } = this;
    socket.cork();
    socket.write(`${piece.length.toString(16)}\r\n`, 'latin1');
    socket.write(piece);
    const isTaken = socket.write('\r\n', 'latin1');
    socket.uncork();
    return isTaken;
  }

  /** What is beyond the declared length would be the next request. */
  #writePlain(piece: Buffer): boolean | undefined {
    this.leftBytes -= piece.length;
    if (this.leftBytes >= 0) return this.socket.write(piece);
    this.owner.bodyFailed('body-longer-than-declared');
    return undefined;
  }

  readonly #end = (): void => {
    if (this.leftBytes > 0) return this.owner.bodyFailed('body-shorter-than-declared');
    if (this.leftBytes === CHUNKED) this.socket.write(`0\r\n${trailerLines(this.body.trailers)}\r\n`, 'latin1');
    this.isDone = true;
    this.awaitsClient = false;
    this.owner.bodyProgressed();
  };

  readonly #breakOff = (): void => {
    if (!this.isDone) this.owner.bodyFailed('client-left');
  };
}

function trailerLines(trailers: readonly string[]): string {
  if (trailers.length === 0) return '';
  const kept = forwardableTrailers(trailers);
  let lines = '';
  for (let at = 0; at < kept.length; at += 2) lines += `${kept[at]}: ${kept[at + 1]}\r\n`;
  return lines;
}
