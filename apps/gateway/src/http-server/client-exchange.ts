import type { Duplex, Readable } from 'node:stream';
import type { PassedHead } from './passed-head.ts';

export type HttpVersion = '1.0' | '1.1' | '2.0';

/** The connection that a request came by. */
export interface ClientConnection {
  /** The other end, an IPv4 address in its plain form. */
  readonly peerAddress: string;
  readonly isEncrypted: boolean;
}

/** A body on its way. It flows once somebody listens. */
export interface BodyStream extends Readable {
  /** All of it came. */
  readonly complete: boolean;
  /** Name, value, …; known when it is complete. */
  readonly rawTrailers: readonly string[];
}

/** A client's wish to go on with another protocol on its connection (RFC 9110 section 7.8). */
export interface ClientUpgrade {
  readonly protocol: 'websocket';
  /**
   * 101 with these headers (name, value, …; `Connection` and `Upgrade` among them). From here on bytes flow between the client
   * and `upstream`, those in `rest` first; the answer is over when both have ended.
   */
  accept(reason: string, headers: readonly string[], upstream: Duplex, rest: Buffer): void;
}

/** What a client asked, whatever it speaks and whoever read it. */
export interface ClientRequest {
  readonly connection: ClientConnection;
  readonly method: string;
  /** As it stands in the request line. */
  readonly target: string;
  readonly httpVersion: HttpVersion;
  /** Name, value, …, as they came; names of HTTP/2 are lower case, its authority is a `host`. */
  readonly rawHeaders: readonly string[];
  /** The name of each header line in lower case, when whoever read the request knows them already. */
  readonly headerNames?: readonly string[];
  /** Undefined: there is none for certain. A Buffer: all of it. A stream may turn out to be empty. */
  readonly body: BodyStream | Buffer | undefined;
  /** The client sends its body only after `100 Continue`. */
  readonly awaitsContinue: boolean;
  /** Present where the client asks for it and the connection can. Nothing else of the answer may be begun before. */
  readonly upgrade?: ClientUpgrade | undefined;
}

/**
 * The way back to the client of one request. Headers are name, value, …, without those that frame the answer on its
 * connection: whoever implements this frames it, and says `Connection: close` where it must.
 */
export interface ClientAnswer {
  /** Nobody is there any more to read it. */
  readonly isGone: boolean;
  /** Its head is written. */
  readonly isBegun: boolean;
  /** All of it was given to the system. */
  readonly isComplete: boolean;
  /** The status of the head; meaningless before `isBegun`. */
  readonly status: number;
  /** A whole answer at once. Headers hold its Content-Length where there is to be one. @throws when the head cannot be written */
  whole(status: number, reason: string, headers: readonly string[], body: string): void;
  /**
   * The head; the first piece may follow at once or much later. With a Content-Length among the headers the body has that
   * length, otherwise its end is marked in the connection's own way.
   *
   * @param own further headers, of this answer alone
   * @throws when the head cannot be written
   */
  begin(head: PassedHead, own: readonly string[]): void;
  /** False asks for a pause until `onDrain`. The piece is the answer's to keep. */
  write(piece: Buffer): boolean;
  /** Trailers: name, value, …; left out where the connection has no place for them. */
  end(trailers: readonly string[]): void;
  /** `100 Continue`. */
  continue(): void;
  /** An interim answer (102, 103); left out where the client does not know them. */
  interim(status: number, headers: readonly string[]): void;
  /** Called each time when more can be written after `write` said false. */
  onDrain(listener: () => void): void;
  /** Called once: when the answer is out, or when its connection is gone. */
  onOver(listener: () => void): void;
  /** Ends the connection in a way that never looks like the end of the answer. */
  breakOff(): void;
  /** No further request is taken from this connection. */
  closeAfterwards(): void;
}
