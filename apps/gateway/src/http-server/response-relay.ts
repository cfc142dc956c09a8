import type { ServerResponse } from 'node:http';
import type { Exchange, Fault, LinkedRoute } from '#libs/policy-runtime';
import type { UpstreamCall, UpstreamReceiver } from '../upstream/upstream-call.ts';
import type { UpstreamFailure } from '../upstream/upstream-failure.ts';
import { CORRELATION_HEADER, type GatewayRefusal } from './gateway-faults.ts';
import { endToEndHeaders, forwardableTrailers, headerMap, withChanges, writableReason } from './response-headers.ts';

/** What the relay needs of the request that it answers. */
export interface RelayContext {
  readonly response: ServerResponse;
  readonly exchange: Exchange;
  readonly route: LinkedRoute;
  readonly correlationId: string;
  readonly isHttp11: boolean;
  readonly nowMs: () => number;
  /** Headers (name, value, …) as the client gets them, when nothing else changes them any more. Default: as they are. */
  readonly shapeHeaders: ((headers: readonly string[]) => readonly string[]) | undefined;
  /** Answers with a fault of a response policy. */
  readonly onFault: (fault: Fault) => void;
  /** Answers with a fault of the gateway. */
  readonly onRefusal: (refusal: GatewayRefusal) => void;
  /** An exception: answered without its text. */
  readonly onBroken: (error: unknown) => void;
}

interface AnswerHead {
  readonly status: number;
  readonly statusText: string;
  readonly headers: readonly string[];
}

const REFUSAL_OF: Readonly<Record<Exclude<UpstreamFailure['kind'], 'truncated'>, GatewayRefusal['name']>> = {
  unreachable: 'upstreamUnreachable',
  forbidden: 'upstreamForbidden',
  timeout: 'upstreamTimeout',
  broken: 'upstreamBroken',
  unsendable: 'badRequest',
};

/** Passes the upstream's answer on to the client, through the response policies when there are any. */
export class ResponseRelay implements UpstreamReceiver {
  #call: UpstreamCall | undefined;
  /** `deciding`: the head is here, its policies have not finished. `settled`: nothing of the upstream counts any more. */
  #state: 'waiting' | 'deciding' | 'passing' | 'settled' = 'waiting';
  #hasPieces = false;
  /** An answer without a body ends while its policies are still deciding. */
  #endedEarly: readonly string[] | undefined;

  constructor(private readonly context: RelayContext) {}

  /** The call whose answer this is; given before anything of it arrives. */
  attach(call: UpstreamCall): void {
    this.#call = call;
    this.context.response.on('drain', () => call.resume());
  }

  interim(status: number, headers: readonly string[]): void {
    const { response, isHttp11 } = this.context;
    if (!isHttp11 || response.headersSent) return;
    if (status === 102) response.writeProcessing();
    if (status !== 103) return;
    const links = headers.filter((_, at) => at % 2 === 1 && headers[at - 1]?.toLowerCase() === 'link');
    // Node takes only links it can parse; an early hint is no reason to lose the answer.
    try {
      response.writeEarlyHints({ link: links });
    } catch {
      return;
    }
  }

  started(status: number, statusText: string, rawHeaders: readonly string[]): void {
    const head: AnswerHead = { status, statusText: writableReason(statusText), headers: endToEndHeaders(rawHeaders) };
    const { exchange, route } = this.context;
    if (!route.hasResponsePipeline) return this.#pass(head);
    this.#state = 'deciding';
    exchange.response = { status, headers: headerMap(head.headers) };
    const verdict = route.runResponse(exchange, this.context.nowMs());
    if (!(verdict instanceof Promise)) return this.#decide(head, verdict);
    this.#call?.pause();
    verdict
      .then((fault) => {
        if (this.#state !== 'deciding') return;
        this.#decide(head, fault);
        this.#call?.resume();
      })
      .catch((error: unknown) => this.#breakOff(error));
  }

  received(chunk: Buffer): boolean {
    this.#hasPieces = true;
    return this.#state !== 'passing' || this.context.response.write(chunk);
  }

  ended(trailers: readonly string[]): void {
    if (this.#state === 'deciding') this.#endedEarly = trailers;
    if (this.#state === 'passing') this.#finish(trailers);
  }

  failed(failure: UpstreamFailure): void {
    const { response, onRefusal } = this.context;
    if (this.#state === 'settled') return;
    this.#state = 'settled';
    if (response.headersSent) this.#cutOff();
    else
      onRefusal({
        name: failure.kind === 'truncated' ? 'upstreamBroken' : REFUSAL_OF[failure.kind],
        reason: failure.reason,
      });
  }

  #decide(head: AnswerHead, fault: Fault | undefined): void {
    if (fault !== undefined) {
      this.#state = 'settled';
      this.#call?.abort();
      return this.context.onFault(fault);
    }
    const changed = this.context.exchange.response;
    if (changed === undefined) return this.#pass(head);
    const statusText = changed.status === head.status ? head.statusText : '';
    this.#pass({ status: changed.status, statusText, headers: withChanges(head.headers, changed.headers) });
  }

  #pass(head: AnswerHead): void {
    const { response, correlationId, shapeHeaders } = this.context;
    const headers = [...(shapeHeaders?.(head.headers) ?? head.headers), CORRELATION_HEADER, correlationId];
    if (head.statusText === '') response.writeHead(head.status, headers);
    else response.writeHead(head.status, head.statusText, headers);
    this.#state = 'passing';
    if (this.#endedEarly !== undefined) return this.#finish(this.#endedEarly);
    queueMicrotask(() => this.#flushHead());
  }

  /**
   * The first event of a stream of events may come much later than its head, so the head must not wait for it. What
   * arrived together with the head has been written by now and took the head with it.
   */
  #flushHead(): void {
    if (this.#state === 'passing' && !this.#hasPieces) this.context.response.flushHeaders();
  }

  /**
   * A cut-off answer must never look complete. The end of an HTTP/1.0 answer may be the end of the connection: only a
   * reset tells such a client the difference.
   */
  #cutOff(): void {
    const { response, isHttp11 } = this.context;
    if (!isHttp11) response.socket?.resetAndDestroy();
    response.destroy();
  }

  #finish(trailers: readonly string[]): void {
    const { response } = this.context;
    this.#state = 'settled';
    if (trailers.length > 0 && response.chunkedEncoding) response.addTrailers(forwardableTrailers(trailers));
    response.end();
  }

  #breakOff(error: unknown): void {
    if (this.#state === 'settled') return;
    this.#state = 'settled';
    this.#call?.abort();
    this.context.onBroken(error);
  }
}
