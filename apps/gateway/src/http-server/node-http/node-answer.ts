import type { ServerResponse } from 'node:http';
import type { ClientAnswer } from '../client-exchange.ts';
import { interimText } from '../lane/answer-head.ts';
import type { PassedHead } from '../passed-head.ts';

/** Answers through Node's own HTTP server. */
export class NodeAnswer implements ClientAnswer {
  #hasPieces = false;

  constructor(
    readonly response: ServerResponse,
    private readonly isHttp11: boolean,
    /** Calls back once: when the answer is out, or when its connection is gone. */
    private readonly whenOver: (then: () => void) => void,
  ) {}

  get isGone(): boolean {
    return this.response.destroyed;
  }

  get isBegun(): boolean {
    return this.response.headersSent;
  }

  get isComplete(): boolean {
    return this.response.writableFinished;
  }

  get status(): number {
    return this.response.statusCode;
  }

  whole(status: number, reason: string, headers: readonly string[], body: string): void {
    const { response } = this;
    // With a text of its own: an attempt that failed may have left one behind that Node refuses.
    response.writeHead(status, reason, headers as string[]);
    if (body === '') response.end();
    // Node writes the head in the encoding of a text that follows it, and the head is bytes already, one a character. So a
    // text of ASCII leaves together with the head, in one write, and any other as bytes.
    else if (Buffer.byteLength(body) === body.length) response.end(body, 'latin1');
    else response.end(Buffer.from(body));
  }

  begin({ status, reason, headers }: PassedHead, own: readonly string[]): void {
    const all = [...headers, ...own];
    if (reason === '') this.response.writeHead(status, all);
    else this.response.writeHead(status, reason, all);
    queueMicrotask(() => this.#flushHead());
  }

  write(piece: Buffer): boolean {
    this.#hasPieces = true;
    return this.response.write(piece);
  }

  end(trailers: readonly string[]): void {
    const { response } = this;
    if (trailers.length > 0 && response.chunkedEncoding) response.addTrailers(pairsOf(trailers));
    response.end();
  }

  continue(): void {
    this.response.writeContinue();
  }

  interim(status: number, headers: readonly string[]): void {
    const { response } = this;
    if (!this.isHttp11 || response.headersSent) return;
    // Node itself takes only links that it can parse.
    const text = interimText(status, headers);
    if (text !== undefined) response.socket?.write(text, 'latin1');
  }

  onDrain(listener: () => void): void {
    this.response.on('drain', listener);
  }

  onOver(listener: () => void): void {
    this.whenOver(listener);
  }

  /** The end of an HTTP/1.0 answer may be the end of the connection: only a reset tells such a client the difference. */
  breakOff(): void {
    if (!this.isHttp11) this.response.socket?.resetAndDestroy();
    this.response.destroy();
  }

  closeAfterwards(): void {
    this.response.shouldKeepAlive = false;
  }

  /**
   * The first event of a stream of events may come much later than its head, so the head must not wait for it. What
   * arrived together with the head has been written by now and took the head with it.
   */
  #flushHead(): void {
    if (!this.#hasPieces && !this.response.writableEnded && !this.response.destroyed) this.response.flushHeaders();
  }
}

const pairsOf = (list: readonly string[]): [string, string][] =>
  list.flatMap((name, at): [string, string][] => (at % 2 === 0 ? [[name, list[at + 1] ?? '']] : []));
