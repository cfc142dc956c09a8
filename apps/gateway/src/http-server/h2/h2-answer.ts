import { constants, type ServerHttp2Stream } from 'node:http2';
import type { ClientAnswer } from '../client-exchange.ts';
import { h2Headers } from './h2-headers.ts';

/** Answers one request over HTTP/2. */
export class H2Answer implements ClientAnswer {
  status = 0;
  /** It was not the client that ended it early. */
  wasBrokenOff = false;
  #trailers: readonly string[] = [];

  constructor(private readonly stream: ServerHttp2Stream) {}

  get isGone(): boolean {
    return this.stream.destroyed || this.stream.closed;
  }

  get isBegun(): boolean {
    return this.stream.headersSent;
  }

  get isComplete(): boolean {
    return this.stream.writableFinished && this.stream.rstCode === constants.NGHTTP2_NO_ERROR;
  }

  whole(status: number, _reason: string, headers: readonly string[], body: string): void {
    this.#respond(status, headers, false);
    if (body === '') this.stream.end();
    else this.stream.end(body);
    this.#dropRest();
  }

  begin(status: number, _reason: string, headers: readonly string[]): void {
    this.#respond(status, headers, true);
  }

  write(piece: Buffer): boolean {
    // What answers a HEAD ended with its head.
    return this.stream.writableEnded || this.stream.write(piece);
  }

  end(trailers: readonly string[]): void {
    this.#trailers = trailers;
    this.stream.end();
    this.#dropRest();
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
    this.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
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

  /** After the answer the client is asked to send no more of its body (RFC 9113 section 8.1). */
  #dropRest(): void {
    if (!this.stream.readableEnded && !this.isGone) this.stream.close(constants.NGHTTP2_NO_ERROR);
  }
}
