import { constants, type ServerHttp2Stream } from 'node:http2';
import type { ClientAnswer } from '../client-exchange.ts';
import type { PassedHead } from '../passed-head.ts';
import type { H2Body } from './h2-body.ts';
import { h2Headers } from './h2-headers.ts';
import type { OverheadMeter } from './overhead-meter.ts';

/** What an answer needs of its connection. */
export interface AnswerWay {
  readonly meter: Pick<OverheadMeter, 'sent'>;
  reset(stream: ServerHttp2Stream, code: number): void;
}

/** Answers one request over HTTP/2. */
export class H2Answer implements ClientAnswer {
  status = 0;
  /** It was not the client that ended it early. */
  wasBrokenOff = false;
  /** Of the request; what is left of it is dropped after the answer. */
  body: Pick<H2Body, 'dropRest'> | undefined;
  #trailers: readonly string[] = [];
  #isEnded = false;

  constructor(
    private readonly stream: ServerHttp2Stream,
    private readonly way: AnswerWay,
  ) {}

  get isGone(): boolean {
    return this.stream.destroyed || this.stream.closed;
  }

  get isBegun(): boolean {
    return this.stream.headersSent;
  }

  get isComplete(): boolean {
    // A stream that the client takes back with NO_ERROR looks finished as well.
    return this.#isEnded && this.stream.writableFinished && this.stream.rstCode === constants.NGHTTP2_NO_ERROR;
  }

  whole(status: number, _reason: string, headers: readonly string[], body: string): void {
    this.#respond(status, headers, false);
    this.#end(body);
  }

  begin({ status, headers }: PassedHead, own: readonly string[]): void {
    this.#respond(status, [...headers, ...own], true);
  }

  write(piece: Buffer): boolean {
    // What answers a HEAD ended with its head.
    if (this.stream.writableEnded) return true;
    this.way.meter.sent(piece.length);
    return this.stream.write(piece);
  }

  end(trailers: readonly string[]): void {
    this.#trailers = trailers;
    this.#end('');
  }

  continue(): void {
    if (!this.isGone) this.stream.additionalHeaders({ ':status': 100 });
  }

  interim(status: number, headers: readonly string[]): void {
    if (this.isGone || this.isBegun || (status !== 102 && status !== 103)) return;
    const links = headers.filter((_, at) => at % 2 === 1 && headers[at - 1]?.toLowerCase() === 'link');
    this.stream.additionalHeaders({ ':status': status, ...(status === 103 && links.length > 0 && { link: links }) });
  }

  onDrain(listener: () => void): void {
    this.stream.on('drain', listener);
  }

  onOver(listener: () => void): void {
    this.stream.once('close', listener);
  }

  /** A reset is never taken for the end of an answer (RFC 9113 section 8.1). */
  breakOff(): void {
    if (this.isGone) return;
    this.wasBrokenOff = true;
    this.way.reset(this.stream, constants.NGHTTP2_INTERNAL_ERROR);
  }

  /** Frames say where each request ends: one that is refused casts no doubt on the next. */
  closeAfterwards(): void {
    // nothing to do
  }

  #respond(status: number, headers: readonly string[], mayHaveTrailers: boolean): void {
    this.status = status;
    if (this.isGone) return;
    if (mayHaveTrailers) {
      this.stream.once('wantTrailers', () => {
        if (!this.isGone) this.stream.sendTrailers(h2Headers(this.#trailers));
      });
    }
    this.stream.respond({ ...h2Headers(headers), ':status': status }, { waitForTrailers: mayHaveTrailers });
  }

  #end(body: string): void {
    const { stream } = this;
    this.#isEnded = true;
    if (body === '') stream.end();
    else {
      this.way.meter.sent(body.length);
      stream.end(body);
    }
    if (stream.readableEnded || this.isGone) return;
    // Not before it is out: a stream that is closed no longer watches whether its answer is read.
    if (stream.writableFinished) this.#dropRest();
    else stream.once('finish', () => this.#dropRest());
  }

  /** After the answer the client is asked to send no more of its body (RFC 9113 section 8.1). */
  #dropRest(): void {
    if (this.stream.readableEnded || this.isGone) return;
    this.way.reset(this.stream, constants.NGHTTP2_NO_ERROR);
    // Node keeps a stream, and its place among those of the connection, until what came of its body is read.
    if (this.body === undefined) this.stream.resume();
    else this.body.dropRest();
  }
}
