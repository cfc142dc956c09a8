import { constants, type ServerHttp2Stream } from 'node:http2';
import { Readable } from 'node:stream';
import type { BodyStream } from '../client-exchange.ts';
import { trailerList } from './h2-headers.ts';
import type { OverheadMeter } from './overhead-meter.ts';

/** The body of one request over HTTP/2; the client may send on as it is read (RFC 9113 section 5.2). */
export class H2Body extends Readable implements BodyStream {
  complete = false;
  rawTrailers: readonly string[] = [];
  #isDropped = false;

  constructor(
    private readonly stream: ServerHttp2Stream,
    meter: Pick<OverheadMeter, 'received'>,
  ) {
    super({ highWaterMark: 0 });
    // Whoever reads hears of a broken body by `close`; without a listener an error would end the process.
    this.on('error', () => undefined);
    stream
      .on('data', (piece: Buffer) => {
        meter.received(piece.length);
        if (this.#isDropped) return;
        if (!this.push(piece)) stream.pause();
      })
      .on('trailers', (trailers) => {
        this.rawTrailers = trailerList(trailers);
      })
      .on('end', () => this.#end())
      .on('close', () => this.#broken())
      .pause();
  }

  override _read(): void {
    this.stream.resume();
  }

  /** Nobody needs the rest, however much of it comes. It ends as a broken one: what was read of it is not the whole. */
  dropRest(): void {
    this.#isDropped = true;
    this.#broken();
    this.stream.resume();
  }

  /** A client that resets its stream ends it for the reader as well; only the sum of its frames says that all came. */
  #end(): void {
    if (this.#isDropped || this.stream.aborted || this.stream.rstCode !== constants.NGHTTP2_NO_ERROR)
      return this.#broken();
    this.complete = true;
    this.push(null);
  }

  #broken(): void {
    if (!this.complete) this.destroy();
  }
}
