import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { ClientConnection, ClientRequest } from '../client-exchange.ts';
import type { GatewayRefusal } from '../gateway-faults.ts';
import type { RequestLimits } from '../request-limits.ts';
import type { TrafficHandler } from '../traffic-handler.ts';
import { H2Answer, type AnswerWay } from './h2-answer.ts';
import { H2Body } from './h2-body.ts';
import { readH2Head, type H2Head } from './h2-headers.ts';
import { OverheadMeter } from './overhead-meter.ts';
import { ResetMeter } from './reset-meter.ts';

export interface H2Context {
  readonly handler: TrafficHandler;
  readonly limits: RequestLimits;
  /** Requests at a time on one connection. */
  readonly maxStreams: number;
  /** Octets a second that a connection may carry beside its requests. */
  readonly overheadBytesPerSecond: number;
}

const bad = (reason: string): GatewayRefusal => ({ name: 'badRequest', reason });

/** The requests of one HTTP/2 connection. */
export class H2Connection implements AnswerWay {
  readonly meter: OverheadMeter;
  #underWay = 0;
  readonly #resets = new ResetMeter();

  constructor(
    private readonly context: H2Context,
    private readonly connection: ClientConnection,
    private readonly session: ServerHttp2Session,
    private readonly socket: TLSSocket,
  ) {
    this.meter = new OverheadMeter(context.overheadBytesPerSecond);
  }

  /** Ends the connection unless a request is under way. A client that does not even read that it ends waits for nothing. */
  closeIfIdle(): void {
    if (this.#underWay > 0 || this.session.destroyed) return;
    this.session.close();
    const late = setTimeout(() => this.socket.destroy(), this.context.limits.headerTimeoutMs);
    this.session.once('close', () => clearTimeout(late));
  }

  /** Ends the connection when it carries too much that is no request. To be called once a second. */
  endIfFlooded(): void {
    this.#resets.secondPassed();
    const isFlooded = this.meter.isTooMuch(this.socket.bytesRead, this.#underWay);
    if (isFlooded && !this.session.destroyed) this.#calm('too much beside requests');
  }

  /**
   * Resets a stream. Where the reset does not get out the connection ends: its client does not read, or broke the protocol
   * so that nghttp2 sends nothing more, of which Node does not tell.
   */
  reset(stream: ServerHttp2Stream, code: number): void {
    stream.close(code);
    if (stream.destroyed) return;
    const late = setTimeout(() => this.socket.destroy(), this.context.limits.headerTimeoutMs);
    stream.once('close', () => clearTimeout(late));
  }

  take(stream: ServerHttp2Stream, rawHeaders: readonly string[]): void {
    const answer = new H2Answer(stream, this);
    this.#watch(stream, answer);
    const head = readH2Head(rawHeaders);
    this.meter.request(head.sizeBytes);
    const refusal = this.#refusalOf(head);
    const { handler } = this.context;
    if (refusal !== undefined) return handler.refuse(head.method, answer, refusal);
    const expectation = expectationOf(head);
    if (expectation !== undefined && expectation !== '100-continue') {
      return handler.refuse(head.method, answer, { name: 'expectationFailed', reason: 'unknown expectation' });
    }
    const { method, target } = head;
    const body = stream.endAfterHeaders ? undefined : this.#bodyOf(stream);
    answer.body = body;
    const request: ClientRequest = {
      connection: this.connection,
      method,
      target,
      httpVersion: '2.0',
      rawHeaders: head.rawHeaders,
      body,
      awaitsContinue: expectation !== undefined,
    };
    handler.handle(request, answer);
  }

  #refusalOf({ method, scheme, sizeBytes }: H2Head): GatewayRefusal | undefined {
    if (method === 'CONNECT') return bad('CONNECT');
    // With another one nothing is known of what the path looks like.
    if (scheme !== 'https' && scheme !== 'http') return bad('unknown scheme');
    if (sizeBytes <= this.context.limits.maxHeaderBytes) return undefined;
    return { name: 'headersTooLarge', reason: 'too many header bytes' };
  }

  #bodyOf(stream: ServerHttp2Stream): H2Body {
    const body = new H2Body(stream, this.meter);
    const late = setTimeout(() => {
      if (!body.complete) this.reset(stream, constants.NGHTTP2_CANCEL);
    }, this.context.limits.bodyTimeoutMs);
    stream.once('end', () => clearTimeout(late)).once('close', () => clearTimeout(late));
    return body;
  }

  #watch(stream: ServerHttp2Stream, answer: H2Answer): void {
    this.#underWay += 1;
    this.#endUnread(stream);
    // A reset by the client is an error of the stream: `close` follows.
    stream.on('error', () => undefined);
    stream.once('close', () => {
      this.#underWay -= 1;
      this.meter.requestOver();
      if (answer.isComplete) this.#resets.answered();
      else if (!answer.wasBrokenOff) this.#countReset(stream);
    });
  }

  /** Nothing moved for long, and something of the answer waits to be read, be it only that it has ended. */
  #endUnread(stream: ServerHttp2Stream): void {
    stream.setTimeout(this.context.limits.writeIdleTimeoutMs, () => {
      if (stream.writableLength > 0 || stream.writableEnded) this.reset(stream, constants.NGHTTP2_CANCEL);
      else stream.setTimeout(this.context.limits.writeIdleTimeoutMs);
    });
  }

  #countReset(stream: ServerHttp2Stream): void {
    if (!stream.aborted || !this.#resets.takenBack() || this.session.destroyed) return;
    this.#calm('too many requests taken back');
  }

  #calm(reason: string): void {
    // Without an error Node would end it as if all were well.
    this.session.destroy(new Error(reason), constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }
}

function expectationOf({ rawHeaders }: H2Head): string | undefined {
  const at = rawHeaders.findIndex((name, index) => index % 2 === 0 && name === 'expect');
  return at === -1 ? undefined : rawHeaders[at + 1]?.toLowerCase();
}
