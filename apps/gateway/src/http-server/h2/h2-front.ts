import { constants, performServerHandshake, type ServerHttp2Session, type ServerOptions } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { connectionOf } from '../listener/connection-facts.ts';
import { H2Connection, type H2Context } from './h2-connection.ts';

/** The greatest stream there is: a GOAWAY with it announces the end and refuses nothing yet (RFC 9113 section 6.8). */
const LAST_STREAM_OF_ALL = 2 ** 31 - 1;

/** The second that the meter of a connection counts in. */
const LOOK_EVERY_MS = 1_000;

interface OpenConnection {
  readonly socket: TLSSocket;
  readonly connection: H2Connection;
}

/**
 * What a client may ask of one connection. More headers than the limits let through are read, so that the request is
 * answered 431 and not merely reset; twice as many are not.
 */
const sessionOptions = ({ limits, maxStreams }: H2Context): ServerOptions => ({
  settings: {
    enablePush: false,
    maxConcurrentStreams: maxStreams,
    maxHeaderListSize: 2 * limits.maxHeaderBytes,
  },
  maxHeaderListPairs: 2 * limits.maxHeaderLines,
  // Answers with headers of up to 64 KiB; upstreams may send no larger ones.
  maxSendHeaderBlockLength: 65_536 + limits.maxHeaderBytes,
  // In MB: headers and frames that wait; beyond it new streams are refused.
  maxSessionMemory: 10,
  maxSettings: 32,
  maxSessionInvalidFrames: 50,
  maxSessionRejectedStreams: maxStreams,
});

/** The connections on which HTTP/2 is spoken (RFC 9113): only by TLS, where both sides agreed on it. */
export class H2Front {
  readonly #options: ServerOptions;
  readonly #sessions = new Map<ServerHttp2Session, OpenConnection>();
  #looking: NodeJS.Timeout | undefined;
  #isDraining = false;

  constructor(private readonly context: H2Context) {
    this.#options = sessionOptions(context);
  }

  get connectionCount(): number {
    return this.#sessions.size;
  }

  accept(socket: TLSSocket): void {
    // The listener leaves connections half open for HTTP/1.1; here nobody would ever end the other half.
    socket.allowHalfOpen = false;
    const session = performServerHandshake(socket, this.#options);
    const connection = new H2Connection(this.context, connectionOf(socket), session, socket);
    this.#keep(session, { socket, connection });
    session
      // A peer that breaks the protocol, or a reset: `close` follows.
      .on('error', () => undefined)
      .on('stream', (stream, _headers, _flags, rawHeaders?: string[]) => connection.take(stream, rawHeaders ?? []))
      .once('close', () => this.#forget(session));
    session.setTimeout(this.context.limits.clientIdleTimeoutMs, () => connection.closeIfIdle());
    if (this.#isDraining) announceEnd(session);
  }

  /** Clients are told to open no further connection's worth of requests here; those on their way are answered. */
  stopKeeping(): void {
    this.#isDraining = true;
    for (const session of this.#sessions.keys()) announceEnd(session);
  }

  /** Every connection ends with the last request that is under way on it. */
  closeIdle(): void {
    for (const session of this.#sessions.keys()) if (!session.closed) session.close();
  }

  destroyAll(): void {
    // Not the session: one that was closed before would still wait for its client.
    for (const { socket } of this.#sessions.values()) socket.destroy();
  }

  #keep(session: ServerHttp2Session, open: OpenConnection): void {
    this.#sessions.set(session, open);
    this.#looking ??= setInterval(() => {
      for (const { connection } of this.#sessions.values()) connection.endIfFlooded();
    }, LOOK_EVERY_MS).unref();
  }

  #forget(session: ServerHttp2Session): void {
    this.#sessions.delete(session);
    if (this.#sessions.size > 0) return;
    clearInterval(this.#looking);
    this.#looking = undefined;
  }
}

function announceEnd(session: ServerHttp2Session): void {
  if (!session.destroyed) session.goaway(constants.NGHTTP2_NO_ERROR, LAST_STREAM_OF_ALL);
}
