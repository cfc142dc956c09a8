import type { Duplex, Readable } from 'node:stream';

/** A body that flows from the client. It must read nothing before it is asked to. */
export interface StreamedBody extends Readable {
  /** True once a piece was asked for: from then on the request cannot be sent a second time. */
  readonly isStarted: boolean;
  /** Name, value, …; known at its end. */
  readonly trailers: readonly string[];
}

/** One request as it goes over the wire. */
export interface TransportRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** Name, value, …; end-to-end headers only, without `host`. */
  readonly headers: readonly string[];
  readonly body: Buffer | StreamedBody | undefined;
  /** Protocol that the client wants to change to (`websocket`), RFC 9110 section 7.8. */
  readonly upgrade: string | undefined;
  /** From the request's last byte (or its head, while a body flows) to the head of the answer. */
  readonly headTimeoutMs: number;
  /** Between two pieces of the answer. */
  readonly idleTimeoutMs: number;
}

/** Why no (complete) answer came. `reason` is for logs; it never quotes what a peer sent. */
export interface TransportFailure {
  readonly kind:
    /** No connection. */
    | 'unreachable'
    /** Every connection that the gateway may open was in use for too long. */
    | 'exhausted'
    /** The name leads to an address that a gateway must not contact. */
    | 'forbidden'
    /** Nothing of the answer's head in time. */
    | 'timeout'
    /** The connection broke, or spoke no HTTP, before the answer's head. */
    | 'broken'
    /** The connection broke, or fell silent, in the middle of the answer. */
    | 'truncated'
    /** The request holds something that must not be sent on. */
    | 'unsendable';
  readonly reason: string;
  /** The connection ended before a byte of this answer. Whether the request was seen is not known. */
  readonly isUnanswered: boolean;
  /** The same of a kept connection: the request was not seen (RFC 9112 section 9.3.1). */
  readonly isStale: boolean;
}

/** What happens to a request on its connection. `ended`, `upgraded` and `failed` are last words; one of them always comes. */
export interface TransportReceiver {
  /** 102, 103 and the like; never 100 and 101. */
  interim(status: number, headers: readonly string[]): void;
  head(status: number, statusText: string, headers: readonly string[]): void;
  /** A piece of the body, the receiver's to keep; false asks for a pause until `resume`. */
  piece(chunk: Buffer): boolean;
  ended(trailers: readonly string[]): void;
  /** 101: the connection is the receiver's from here on; `rest` came with the head. */
  upgraded(statusText: string, headers: readonly string[], socket: Duplex, rest: Buffer): void;
  failed(failure: TransportFailure): void;
}

/** The handle of one request under way. */
export interface TransportCall {
  pause(): void;
  resume(): void;
  /** Gives up: the connection is closed and the receiver hears nothing more. */
  abort(): void;
}

export interface TransportLoad {
  readonly open: number;
  readonly idle: number;
  /** Requests that wait for a connection. */
  readonly waiting: number;
}

/** The kept connections to one origin. The receiver hears nothing before `send` has returned. */
export interface UpstreamTransport {
  readonly load: TransportLoad;
  send(request: TransportRequest, receiver: TransportReceiver): TransportCall;
  /** Finishes what is under way, then closes every connection. */
  close(): Promise<void>;
}
