import type {
  TransportCall,
  TransportLoad,
  TransportReceiver,
  TransportRequest,
  UpstreamTransport,
} from '../transport.ts';
import type { ConnectionOptions, OpenFailure } from './connection-options.ts';
import { type ConnectionOwner, Http1Connection } from './connection.ts';
import { Http1Call } from './http1-call.ts';
import { requestText } from './request-text.ts';
import type { Watched } from './ticks.ts';

export interface Http1TransportOptions extends ConnectionOptions {
  /** Value of `Host`. */
  readonly host: string;
  /** Connections at most; further requests wait for a free one, as long as a connection may take to open. */
  readonly maxConnections: number;
}

/** HTTP/1.1 to one origin over kept connections; the one that was used last is used first, so that spare ones age out. */
export class Http1Transport implements UpstreamTransport, ConnectionOwner, Watched {
  readonly #connections = new Set<Http1Connection>();
  readonly #idle: Http1Connection[] = [];
  readonly #waiting: Http1Call[] = [];
  #openingCount = 0;
  #onEmpty: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(private readonly options: Http1TransportOptions) {}

  get load(): TransportLoad {
    return { open: this.#connections.size, idle: this.#idle.length, waiting: this.#waiting.length };
  }

  send(request: TransportRequest, receiver: TransportReceiver): TransportCall {
    const text = requestText(request, this.options.host);
    if (text === undefined) return failedCall(request, receiver);
    const call = new Http1Call(request, text, receiver, this);
    const connection = this.#freeConnection();
    if (connection === undefined) this.#queue(call);
    else connection.start(call);
    return call;
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#onEmpty = resolve;
      for (const connection of this.#idle.splice(0)) connection.close();
      this.#settle();
    });
    return this.#closing;
  }

  opened(connection: Http1Connection): void {
    this.#openingCount -= 1;
    this.freed(connection);
  }

  freed(connection: Http1Connection): void {
    const next = this.#waiting.shift();
    if (next !== undefined) connection.start(next);
    else if (this.#closing !== undefined) connection.close();
    else this.#idle.push(connection);
  }

  left(connection: Http1Connection, failure: OpenFailure | undefined): void {
    this.#connections.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at !== -1) this.#idle.splice(at, 1);
    if (failure !== undefined) this.#failOne(failure);
    this.#openWhereNeeded();
    this.#settle();
  }

  forget(call: Http1Call): void {
    const at = this.#waiting.indexOf(call);
    if (at !== -1) this.#waiting.splice(at, 1);
    this.#settle();
  }

  lookAt(tick: number): void {
    for (let next = this.#waiting[0]; next !== undefined && next.deadline < tick; next = this.#waiting[0]) {
      this.#waiting.shift();
      if (this.#openingCount > 0) next.fail({ kind: 'unreachable', reason: 'connect-timeout' });
      else next.fail({ kind: 'exhausted', reason: 'pool-exhausted' });
    }
    for (const connection of this.#connections) if (connection.deadline < tick) connection.late();
    this.#settle();
  }

  #freeConnection(): Http1Connection | undefined {
    if (this.#idle.length === 0) return undefined;
    const nowMs = performance.now();
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (connection.isUsableAt(nowMs)) return connection;
      connection.close();
    }
    return undefined;
  }

  /** Connections that are still being opened are for as many of those that wait. */
  #failOne({ kind, reason }: OpenFailure): void {
    this.#openingCount -= 1;
    if (this.#waiting.length > this.#openingCount) this.#waiting.shift()?.fail({ kind, reason });
  }

  #queue(call: Http1Call): void {
    const { ticks, connectTimeoutMs } = this.options;
    ticks.watch(this);
    call.deadline = ticks.after(connectTimeoutMs);
    this.#waiting.push(call);
    this.#openWhereNeeded();
  }

  #openWhereNeeded(): void {
    while (this.#waiting.length > this.#openingCount && this.#connections.size < this.options.maxConnections) {
      this.#connections.add(new Http1Connection(this, this.options));
      this.#openingCount += 1;
    }
  }

  #settle(): void {
    if (this.#connections.size > 0 || this.#waiting.length > 0) return;
    this.options.ticks.unwatch(this);
    this.#onEmpty?.();
  }
}

function failedCall(request: TransportRequest, receiver: TransportReceiver): TransportCall {
  const call = new Http1Call(request, { head: '', lengthBytes: 0 }, receiver, { forget: () => undefined });
  queueMicrotask(() => call.fail({ kind: 'unsendable', reason: 'bad-request-line-or-header' }));
  return call;
}
