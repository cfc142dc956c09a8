import type { Duplex } from 'node:stream';
import { CallRecord } from './call-record.ts';
import type { OriginHealth } from './health/origin-health.ts';
import type {
  StreamedBody,
  TransportCall,
  TransportFailure,
  TransportReceiver,
  UpstreamTransport,
} from './transport.ts';
import type { UpstreamFailure } from './upstream-failure.ts';
import type { UpstreamAddress, UpstreamGroup } from './upstream-group.ts';

/** A request as the upstream shall see it. */
export interface UpstreamRequest {
  readonly method: string;
  /** Path relative to the address: `''` or text that starts with a slash. */
  readonly path: string;
  /** Without `?`. */
  readonly queryString: string;
  /** Name, value, name, value; end-to-end headers only, without `host`. */
  readonly headers: readonly string[];
  readonly body: Buffer | StreamedBody | undefined;
  /** Protocol that the client wants to change to (`websocket`), lower case. */
  readonly upgrade?: string | undefined;
}

/** What happens to a request that was forwarded. `failed`, `ended` and `upgraded` are last words; one of them always comes. */
export interface UpstreamReceiver {
  /** An interim answer (102, 103 …); `headers` is name, value, … */
  interim(status: number, headers: readonly string[]): void;
  /** The head of the answer. When this or another of these throws, the answer is given up and `failed` follows. */
  started(status: number, statusText: string, headers: readonly string[]): void;
  /** A piece of the body; false asks for a pause until `resume`. */
  received(chunk: Buffer): boolean;
  ended(trailers: readonly string[]): void;
  /** 101: the connection is the receiver's from here on. Only where `upgrade` was asked for, and there it must be present. */
  upgraded?(statusText: string, headers: readonly string[], socket: Duplex, rest: Buffer): void;
  failed(failure: UpstreamFailure): void;
}

/** How a call reaches the sockets, and how long it may take. */
export interface CallContext {
  readonly group: UpstreamGroup;
  readonly poolOf: (address: UpstreamAddress) => UpstreamTransport;
  readonly readTimeoutMs: number;
  readonly retryCount: number;
  /** The clock that health is measured by, in milliseconds. */
  readonly nowMs: () => number;
}

/** RFC 9110 section 9.2.2. */
const IDEMPOTENT_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/** What an address is answerable for; not what the gateway's own limits or the request itself lead to. */
const FAILURES_OF_THE_ADDRESS: ReadonlySet<UpstreamFailure['kind']> = new Set([
  'unreachable',
  'forbidden',
  'timeout',
  'broken',
]);

/** Nothing was sent. */
const FAILURES_BEFORE_SENDING: ReadonlySet<UpstreamFailure['kind']> = new Set([
  'unreachable',
  'forbidden',
  'exhausted',
]);

const NO_ADDRESS: UpstreamFailure = { kind: 'forbidden', reason: 'no address that may be contacted' };

function targetOf(address: UpstreamAddress, request: UpstreamRequest): string {
  const slash = request.path === '' || request.path.startsWith('/') ? '' : '/';
  const path = address.basePath + slash + request.path;
  const joint = address.query === '' || request.queryString === '' ? '' : '&';
  const query = address.query + joint + request.queryString;
  const target = path === '' ? '/' : path;
  return query === '' ? target : `${target}${target.includes('?') ? '&' : '?'}${query}`;
}

/** One forwarded request: its attempts, its answer, and the handle by which it is paused and given up. */
export class UpstreamCall implements TransportReceiver {
  /** What became of it, for metrics, traces and logs. */
  readonly record: CallRecord;
  /** Of the address that an attempt is under way at. */
  #health: OriginHealth | undefined;
  /** What the health knows the attempt by. */
  #ticket = 0;
  #attempt: TransportCall | undefined;
  #turn: number;
  #attemptsLeft: number;
  #mayRetryStale = true;
  #isAborted = false;

  constructor(
    private readonly context: CallContext,
    private readonly request: UpstreamRequest,
    private readonly receiver: UpstreamReceiver,
  ) {
    this.record = new CallRecord(context.nowMs());
    this.#turn = context.group.nextTurn(this.record.sentAt);
    this.#attemptsLeft = context.retryCount;
  }

  /** Sends the request. The receiver hears nothing before this has returned. */
  start(): void {
    const address = this.context.group.at(this.#turn);
    if (address === undefined) return queueMicrotask(() => this.#isAborted || this.#fail(NO_ADDRESS));
    this.#send(address, address.health.begin(this.record.sentAt));
  }

  pause(): void {
    this.#attempt?.pause();
  }

  resume(): void {
    this.#attempt?.resume();
  }

  /** Gives up: the connection is closed and the receiver hears nothing more. */
  abort(): void {
    if (this.#isAborted) return;
    this.#isAborted = true;
    this.#attempt?.abort();
    this.#leave();
  }

  interim(status: number, headers: readonly string[]): void {
    try {
      this.receiver.interim(status, headers);
    } catch (error) {
      this.#giveUp('broken', error);
    }
  }

  head(status: number, statusText: string, headers: readonly string[]): void {
    this.record.answered(status);
    this.#health?.answered(this.#ticket, status, this.context.nowMs);
    try {
      this.receiver.started(status, statusText, headers);
    } catch (error) {
      this.#giveUp('broken', error);
    }
  }

  piece(chunk: Buffer): boolean {
    this.record.received(chunk.length);
    try {
      return this.receiver.received(chunk);
    } catch (error) {
      this.#giveUp('truncated', error);
      return false;
    }
  }

  ended(trailers: readonly string[]): void {
    this.record.ended();
    this.#leave();
    try {
      this.receiver.ended(trailers);
    } catch (error) {
      this.#giveUp('truncated', error);
    }
  }

  upgraded(statusText: string, headers: readonly string[], socket: Duplex, rest: Buffer): void {
    this.record.answered(101);
    this.#health?.answered(this.#ticket, 101, this.context.nowMs);
    // The conversation occupies the address as long as it goes on.
    socket.once('close', () => this.#leave());
    try {
      this.receiver.upgraded?.(statusText, headers, socket, rest);
    } catch (error) {
      // It is no longer the transport's to close.
      socket.destroy();
      this.#giveUp('broken', error);
    }
  }

  failed(failure: TransportFailure): void {
    const { group, nowMs } = this.context;
    const address = group.at(this.#turn);
    if (this.#goesAgain(failure) && address !== undefined) {
      this.#mayRetryStale = false;
      this.#leave();
      return this.#send(address, address.health.begin(nowMs()));
    }
    if (FAILURES_OF_THE_ADDRESS.has(failure.kind) && !failure.isStale) this.#health?.failed(this.#ticket, nowMs());
    this.#leave();
    if (!this.#tryAnother(failure)) this.#fail(failure);
  }

  /** The receiver threw: its connection must not take the others with it. */
  #giveUp(kind: UpstreamFailure['kind'], error: unknown): void {
    this.abort();
    this.#fail({ kind, reason: error instanceof Error ? error.name : 'unknown' });
  }

  #fail({ kind, reason }: UpstreamFailure): void {
    this.record.failed(kind);
    this.receiver.failed({ kind, reason });
  }

  #leave(): void {
    this.#health?.left(this.#ticket);
    this.#health = undefined;
  }

  #send(address: UpstreamAddress, ticket: number): void {
    this.#health = address.health;
    this.#ticket = ticket;
    this.record.attempted(address.origin);
    const { request, context } = this;
    this.#attempt = context.poolOf(address).send(
      {
        method: request.method,
        target: targetOf(address, request),
        headers: request.headers,
        body: request.body,
        upgrade: request.upgrade,
        headTimeoutMs: context.readTimeoutMs,
        idleTimeoutMs: context.readTimeoutMs,
      },
      this,
    );
  }

  /** Whether the request went down with a kept connection, unseen, for the first time, and may go again at once. */
  #goesAgain({ kind, isStale }: TransportFailure): boolean {
    return kind === 'broken' && isStale && this.#mayRetryStale && this.#mayRepeat();
  }

  /**
   * Sends the request to the next address, where that is allowed. A connection that ends without a word is as good as none
   * for a request that may be repeated (RFC 9110 section 9.2.2): behind a load balancer a server that restarts looks so.
   */
  #tryAnother({ kind, isUnanswered }: TransportFailure): boolean {
    const hasNoConnection = FAILURES_BEFORE_SENDING.has(kind) || isUnanswered;
    if (!hasNoConnection || this.#attemptsLeft === 0 || !this.#mayRepeat()) return false;
    const { group, nowMs } = this.context;
    const now = nowMs();
    const turn = group.turnAfter(this.#turn, now);
    const address = group.at(turn);
    // Waiting in the same line once more is of no use.
    const isSameLine = kind === 'exhausted' && address?.origin === this.record.origin;
    const ticket = isSameLine ? 0 : (address?.health.beginAgain(now) ?? 0);
    if (address === undefined || ticket === 0) return false;
    this.#attemptsLeft -= 1;
    this.#turn = turn;
    this.#send(address, ticket);
    return true;
  }

  #mayRepeat(): boolean {
    return IDEMPOTENT_METHODS.has(this.request.method) && !this.#isBodyStarted();
  }

  #isBodyStarted(): boolean {
    const { body } = this.request;
    return body !== undefined && !Buffer.isBuffer(body) && body.isStarted;
  }
}
