import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { plainAddress, type AddressList } from '#libs/client-addresses';
import type { CertificateKeeper } from './certificate-keeper.ts';
import { namePeer } from './connection-facts.ts';
import type { ListenerSettings } from './listener-settings.ts';
import { readProxyStage } from './proxy-stage.ts';
import { runTlsStage, type AgreedProtocol } from './tls-stage.ts';

export interface ListenerContext {
  readonly settings: Pick<ListenerSettings, 'proxyProtocol' | 'http2' | 'handshakeTimeoutMs'>;
  /** Undefined: connections are in the clear. */
  readonly certificate: Pick<CertificateKeeper, 'current'> | undefined;
  /** Who may send a PROXY header; an empty list: everybody. */
  readonly trusted: AddressList;
  /** A connection on which HTTP/1.1 is spoken; in the clear, or decrypted. */
  readonly onHttp1: (socket: Socket) => void;
  readonly onHttp2: (socket: TLSSocket) => void;
  /** A connection was ended because its PROXY header is not to be believed. */
  readonly onProxyRefused: (reason: string) => void;
}

/** What stands between an accepted connection and its requests: PROXY header, then TLS, each only where it is wanted. */
export class ClientListener {
  readonly #offered: readonly AgreedProtocol[];
  /** Those on which no request can have come yet. */
  readonly #pending = new Map<Socket, NodeJS.Timeout>();

  constructor(private readonly context: ListenerContext) {
    this.#offered = context.settings.http2 ? ['h2', 'http/1.1'] : ['http/1.1'];
  }

  accept(socket: Socket): void {
    const { settings, certificate } = this.context;
    if (settings.proxyProtocol) return this.#readProxy(socket);
    if (certificate === undefined) return this.context.onHttp1(socket);
    this.#secure(socket, undefined);
  }

  /** Ends the connections that never said anything. */
  closeIdle(): void {
    for (const socket of this.#pending.keys()) if (socket.bytesRead === 0) socket.destroy();
  }

  destroyAll(): void {
    for (const socket of this.#pending.keys()) socket.destroy();
  }

  #readProxy(socket: Socket): void {
    const peer = plainAddress(socket.remoteAddress ?? '');
    const { trusted, certificate } = this.context;
    if (!trusted.isEmpty && !trusted.has(peer)) return this.#refuse(socket, 'not from a trusted proxy');
    this.#await(socket);
    readProxyStage(socket, (outcome) => {
      this.#settle(socket);
      if (!outcome.ok) return this.#refuse(socket, outcome.reason);
      if (certificate !== undefined) return this.#secure(socket, outcome.source);
      if (outcome.source !== undefined) namePeer(socket, outcome.source);
      this.context.onHttp1(socket);
    });
  }

  #secure(socket: Socket, source: string | undefined): void {
    const { certificate, onHttp1, onHttp2 } = this.context;
    if (certificate === undefined) throw new Error('no certificate');
    const secured = runTlsStage(socket, certificate.current.context, this.#offered, (ready, protocol) => {
      this.#settle(ready);
      if (source !== undefined) namePeer(ready, source);
      if (protocol === 'h2') onHttp2(ready);
      else onHttp1(ready);
    });
    this.#await(secured);
  }

  #refuse(socket: Socket, reason: string): void {
    socket.on('error', () => undefined).destroy();
    this.context.onProxyRefused(reason);
  }

  #await(socket: Socket): void {
    const timer = setTimeout(() => socket.destroy(), this.context.settings.handshakeTimeoutMs);
    this.#pending.set(socket, timer);
    socket
      .on('error', () => undefined)
      .once('close', () => this.#settle(socket))
      .once('end', () => {
        // Who stops sending before the first request has left.
        if (this.#pending.has(socket)) socket.destroy();
      });
  }

  #settle(socket: Socket): void {
    clearTimeout(this.#pending.get(socket));
    this.#pending.delete(socket);
  }
}
