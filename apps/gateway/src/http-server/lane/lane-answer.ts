import type { Socket } from 'node:net';
import { writeAtEndOfTurn, type TurnWriter } from '../../sockets/end-of-turn.ts';
import type { ClientAnswer } from '../client-exchange.ts';
import type { HeadText, PassedHead } from '../passed-head.ts';
import { currentDateLine, headText, interimText, linesText } from './answer-head.ts';

/** The connection as its present answer sees it. */
export interface AnswerLine {
  readonly socket: Socket;
  /** The line that tells the client how long the connection is kept. */
  readonly keepingLines: string;
  /** The answer is out. */
  finished(answer: LaneAnswer): void;
}

/** A piece up to this size travels in one write with what is before it. */
const SMALL_PIECE_BYTES = 16 * 1024;
/** Text that waits is written when it is longer. */
const MOST_WAITING_BYTES = 32 * 1024;

/** Statuses whose answers end with their head (RFC 9110 sections 15.3.5 and 15.4.5). */
const isBodyless = (status: number): boolean => status === 204 || status === 304;

/** There is mostly one listener. */
const both = (one: (() => void) | undefined, other: () => void): (() => void) =>
  one === undefined
    ? other
    : () => {
        one();
        other();
      };

/** Answers on a connection of the lane: RFC 9112 framing, and as few writes as there can be. */
export class LaneAnswer implements ClientAnswer, TurnWriter {
  isBegun = false;
  isComplete = false;
  status = 0;
  /** No piece is to come any more. */
  isEnded = false;
  /** Head and pieces that wait for the end of the turn, one character a byte. */
  #waiting = '';
  #framing: 'none' | 'length' | 'chunked' = 'none';
  #isOver = false;
  /** Written when this turn of the event loop is over. */
  #isDue = false;
  /** Its end was given to the socket. */
  #isWritten = false;
  #overListener: (() => void) | undefined;
  #drainListener: (() => void) | undefined;

  constructor(
    private readonly line: AnswerLine,
    private readonly isHead: boolean,
    /** Whether the connection is kept after this answer. */
    public keepsConnection: boolean,
  ) {}

  get isGone(): boolean {
    return this.line.socket.destroyed;
  }

  whole(status: number, reason: string, headers: readonly string[], body: string): void {
    const isAscii = Buffer.byteLength(body) === body.length;
    const bytes = isAscii ? body : Buffer.from(body).toString('latin1');
    this.#setHead(status, headText(status, reason, headers), '', bytes.length);
    if (this.#framing !== 'none') this.#waiting += bytes;
    this.#finish();
  }

  begin(head: PassedHead, own: readonly string[]): void {
    head.text ??= headText(head.status, head.reason, head.headers);
    this.#setHead(head.status, head.text, linesText(own), undefined);
    this.#writeSoon();
  }

  write(piece: Buffer): boolean {
    const { socket } = this.line;
    // An empty chunk would be the end of a chunked body.
    if (this.#framing === 'none' || piece.length === 0 || this.isEnded) return true;
    if (piece.length > SMALL_PIECE_BYTES) this.#writeLarge(piece);
    else {
      this.#writeSoon();
      const text = piece.toString('latin1');
      this.#waiting += this.#framing === 'chunked' ? `${piece.length.toString(16)}\r\n${text}\r\n` : text;
      if (this.#waiting.length > MOST_WAITING_BYTES) this.#flush();
    }
    return !socket.writableNeedDrain;
  }

  end(trailers: readonly string[]): void {
    if (this.#framing === 'chunked') this.#waiting += `0\r\n${linesText(trailers)}\r\n`;
    this.#finish();
  }

  /** Nobody waits for it: a request with `Expect` is not the lane's. */
  continue(): void {
    return;
  }

  interim(status: number, headers: readonly string[]): void {
    if (this.isBegun || this.isGone) return;
    const text = interimText(status, headers);
    if (text !== undefined) this.line.socket.write(text, 'latin1');
  }

  onDrain(listener: () => void): void {
    this.#drainListener = both(this.#drainListener, listener);
  }

  onOver(listener: () => void): void {
    this.#overListener = both(this.#overListener, listener);
  }

  breakOff(): void {
    this.line.socket.destroy();
  }

  closeAfterwards(): void {
    this.keepsConnection = false;
  }

  /** More can be written. */
  drained(): void {
    this.#drainListener?.();
  }

  /** Out, or never going to be. */
  over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#overListener?.();
  }

  /** What waits, and the end of an answer that has ended. */
  writeNow(): void {
    const { socket } = this.line;
    this.#isDue = false;
    if (this.#isWritten || socket.destroyed) return;
    this.#flush();
    if (!this.isEnded) return;
    this.#isWritten = true;
    // The system mostly takes a small answer at once. Then there is nothing to wait for.
    if (socket.writableLength === 0 && socket.errored === null) return this.#complete();
    socket.write('', 'latin1', (error) => {
      if (error === null || error === undefined) this.#complete();
    });
  }

  #writeSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    writeAtEndOfTurn(this);
  }

  #flush(): void {
    if (this.#waiting === '') return;
    const text = this.#waiting;
    this.#waiting = '';
    this.line.socket.write(text, 'latin1');
  }

  #setHead(status: number, { text, hasLength, hasDate }: HeadText, own: string, wholeBytes: number | undefined): void {
    const keeping = this.keepsConnection ? this.line.keepingLines : 'Connection: close\r\n';
    let framing = '';
    if (this.isHead || isBodyless(status)) this.#framing = 'none';
    else if (hasLength) this.#framing = 'length';
    else if (wholeBytes !== undefined) [this.#framing, framing] = ['length', `Content-Length: ${wholeBytes}\r\n`];
    else [this.#framing, framing] = ['chunked', 'Transfer-Encoding: chunked\r\n'];
    this.status = status;
    this.isBegun = true;
    this.#waiting = `${text}${own}${hasDate ? '' : currentDateLine()}${keeping}${framing}\r\n`;
  }

  #writeLarge(piece: Buffer): void {
    const { socket } = this.line;
    socket.cork();
    if (this.#framing === 'chunked') this.#waiting += `${piece.length.toString(16)}\r\n`;
    this.#flush();
    socket.write(piece);
    if (this.#framing === 'chunked') socket.write('\r\n', 'latin1');
    socket.uncork();
  }

  #finish(): void {
    this.isEnded = true;
    this.#writeSoon();
  }

  #complete(): void {
    this.isComplete = true;
    this.line.finished(this);
  }
}
