import { Readable } from 'node:stream';
import type { BodyStream } from './client-exchange.ts';
import type { StreamedBody } from '../upstream/transport.ts';

/**
 * A client's body on its way to the upstream, piece by piece as the upstream takes it. It stands between the two
 * because a body is destroyed when an upstream answers early, which must not reach the client's connection, and because
 * nothing may be asked of the client before there is an upstream to send it to.
 */
export class ClientBody extends Readable implements StreamedBody {
  #isStarted = false;

  /** @param beforeFirstRead called once, when the upstream asks for the first piece (the time for `100 Continue`) */
  constructor(
    private readonly request: BodyStream,
    private readonly beforeFirstRead: () => void,
  ) {
    super();
    // Whoever sends the body hears of its end by `close`; without a listener an error would end the process.
    this.on('error', () => undefined);
  }

  get isStarted(): boolean {
    return this.#isStarted;
  }

  get trailers(): readonly string[] {
    return this.request.rawTrailers;
  }

  override _read(): void {
    if (!this.#isStarted) this.#start();
    this.request.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.request
      .off('data', this.#pass)
      .off('end', this.#end)
      .off('close', this.#breakOff)
      .off('error', this.#breakOff);
    // The rest of the body is read and thrown away, so that the client gets to the answer.
    this.request.resume();
    callback(error);
  }

  #start(): void {
    this.#isStarted = true;
    this.beforeFirstRead();
    this.request.on('data', this.#pass).on('end', this.#end).on('close', this.#breakOff).on('error', this.#breakOff);
  }

  readonly #pass = (piece: Buffer): void => {
    if (!this.push(piece)) this.request.pause();
  };

  readonly #end = (): void => {
    this.push(null);
  };

  readonly #breakOff = (): void => {
    if (!this.request.complete) this.destroy(new Error('client left in the middle of the body'));
  };
}
