import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { failureOf, isStaleConnection, type UpstreamFailure } from './upstream-failure.ts';
import type { UpstreamAddress, UpstreamGroup } from './upstream-group.ts';

/** A body that flows from the client. It must read nothing before it is asked to. */
export interface StreamedBody extends Readable {
  /** True once a piece was asked for: from then on the request cannot be sent a second time. */
  readonly isStarted: boolean;
}

/**
 * A request as the upstream shall see it. undici sends its head together with the first piece of a streamed body, and
 * no trailers.
 */
export interface UpstreamRequest {
  readonly method: string;
  /** Path relative to the address: `''` or text that starts with a slash. */
  readonly path: string;
  /** Without `?`. */
  readonly queryString: string;
  /** Name, value, name, value; end-to-end headers only, without `host`. */
  readonly headers: readonly string[];
  readonly body: Buffer | StreamedBody | undefined;
}

/** What happens to a request that was forwarded. `failed` and `ended` are last words; one of them always comes. */
export interface UpstreamReceiver {
  /** An interim answer (102, 103 …); `headers` is name, value, … */
  interim(status: number, headers: readonly string[]): void;
  /** The head of the answer. When this throws, the answer is given up and `failed` follows. */
  started(status: number, statusText: string, headers: readonly string[]): void;
  /** A piece of the body; false asks for a pause until `resume`. */
  received(chunk: Buffer): boolean;
  ended(trailers: readonly string[]): void;
  failed(failure: UpstreamFailure): void;
}

/** How a call reaches the sockets, and how long it may take. */
export interface CallContext {
  readonly group: UpstreamGroup;
  readonly poolOf: (address: UpstreamAddress) => Dispatcher;
  readonly readTimeoutMs: number;
  readonly retryCount: number;
}

/** RFC 9110 section 9.2.2. */
const IDEMPOTENT_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

const NO_ADDRESS: UpstreamFailure = { kind: 'forbidden', reason: 'no address that may be contacted' };

/** undici types raw headers widely; over HTTP/1.1 they are buffers: name, value, … */
function headerTexts(raw: Dispatcher.DispatchController['rawHeaders']): string[] {
  return Array.isArray(raw) ? raw.map((part) => (typeof part === 'string' ? part : part.toString('latin1'))) : [];
}

function targetOf(address: UpstreamAddress, request: UpstreamRequest): string {
  const slash = request.path === '' || request.path.startsWith('/') ? '' : '/';
  const path = address.basePath + slash + request.path;
  const query = [address.query, request.queryString].filter((part) => part !== '').join('&');
  const target = path === '' ? '/' : path;
  return query === '' ? target : `${target}${target.includes('?') ? '&' : '?'}${query}`;
}

/** One forwarded request: its attempts, its answer, and the handle by which it is paused and given up. */
export class UpstreamCall implements Dispatcher.DispatchHandler {
  #controller: Dispatcher.DispatchController | undefined;
  #turn: number;
  #attemptsLeft: number;
  #mayRetryStale = true;
  #hasAnswer = false;
  #isAborted = false;

  constructor(
    private readonly context: CallContext,
    private readonly request: UpstreamRequest,
    private readonly receiver: UpstreamReceiver,
  ) {
    this.#turn = context.group.nextTurn();
    this.#attemptsLeft = context.retryCount;
  }

  /** Sends the request. The receiver hears nothing before this has returned. */
  start(): void {
    queueMicrotask(() => this.#attempt());
  }

  pause(): void {
    this.#controller?.pause();
  }

  resume(): void {
    this.#controller?.resume();
  }

  /** Gives up: the connection is closed and the receiver hears nothing more. */
  abort(): void {
    if (this.#isAborted) return;
    this.#isAborted = true;
    this.#controller?.abort(new Error('given up by the gateway'));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isAborted) controller.abort(new Error('given up by the gateway'));
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _headers: unknown,
    statusText?: string,
  ): void {
    if (this.#isAborted) return;
    const headers = headerTexts(controller.rawHeaders);
    if (status < 200) return this.receiver.interim(status, headers);
    this.receiver.started(status, statusText ?? '', headers);
    this.#hasAnswer = true;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#isAborted && !this.receiver.received(chunk)) controller.pause();
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (!this.#isAborted) this.receiver.ended(headerTexts(controller.rawTrailers));
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#isAborted) return;
    const failure = failureOf(error, { isWritten: this.#controller !== undefined, hasAnswer: this.#hasAnswer });
    if (this.#takesAnotherAttempt(failure, error)) {
      this.#controller = undefined;
      // undici reports from within its queue handling, which must be done before the next dispatch.
      queueMicrotask(() => this.#attempt());
    } else {
      this.receiver.failed(failure);
    }
  }

  #attempt(): void {
    if (this.#isAborted) return;
    const address = this.context.group.at(this.#turn);
    if (address === undefined) return this.receiver.failed(NO_ADDRESS);
    const { request } = this;
    this.context.poolOf(address).dispatch(
      {
        path: targetOf(address, request),
        method: request.method,
        headers: request.headers as string[],
        body: request.body ?? null,
        headersTimeout: this.context.readTimeoutMs,
        bodyTimeout: this.context.readTimeoutMs,
      },
      this,
    );
  }

  #takesAnotherAttempt({ kind }: UpstreamFailure, error: Error): boolean {
    if (!IDEMPOTENT_METHODS.has(this.request.method) || this.#isBodyStarted()) return false;
    if (kind === 'broken' && this.#mayRetryStale && isStaleConnection(error)) {
      this.#mayRetryStale = false;
      return true;
    }
    if ((kind !== 'unreachable' && kind !== 'forbidden') || this.#attemptsLeft === 0) return false;
    this.#attemptsLeft -= 1;
    this.#turn = this.context.group.turnAfter(this.#turn);
    return true;
  }

  #isBodyStarted(): boolean {
    const { body } = this.request;
    return body !== undefined && !Buffer.isBuffer(body) && body.isStarted;
  }
}
