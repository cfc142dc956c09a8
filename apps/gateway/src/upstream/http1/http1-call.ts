import type { TransportCall, TransportFailure, TransportReceiver, TransportRequest } from '../transport.ts';
import type { RequestText } from './request-text.ts';

/** The connection that a request is on. */
export interface CallConnection {
  pause(): void;
  resume(): void;
  /** Closes it: nobody wants the answer any more. */
  giveUp(): void;
}

/** What a connection did not end by is left out. */
type CallFailure = Pick<TransportFailure, 'kind' | 'reason'> & Partial<TransportFailure>;

/** A request under way: waiting for a connection, on one, or over. */
export class Http1Call implements TransportCall {
  connection: CallConnection | undefined = undefined;
  /** The last tick at which it may still wait for a connection. */
  deadline = 0;
  #isOver = false;

  constructor(
    readonly request: TransportRequest,
    readonly text: RequestText,
    readonly receiver: TransportReceiver,
    private readonly line: { forget(call: Http1Call): void },
  ) {}

  pause(): void {
    this.connection?.pause();
  }

  resume(): void {
    this.connection?.resume();
  }

  abort(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.connection === undefined) this.line.forget(this);
    else this.connection.giveUp();
  }

  /** The last word but for `failed` was said. */
  over(): void {
    this.#isOver = true;
    this.connection = undefined;
  }

  fail({ kind, reason, isStale = false, isUnanswered = false }: CallFailure): void {
    if (this.#isOver) return;
    this.over();
    this.receiver.failed({ kind, reason, isStale, isUnanswered });
  }
}
