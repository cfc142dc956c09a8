import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ClientUpgrade } from '../client-exchange.ts';
import { NodeAnswer } from './node-answer.ts';
import type { EarlyBytes } from '../upgrade/early-bytes.ts';
import { Tunnel } from '../upgrade/tunnel.ts';

/**
 * The answer to a request for a WebSocket: 101 and then bytes of another protocol, or an ordinary answer, after which the
 * connection ends.
 */
export class UpgradeAnswer extends NodeAnswer implements ClientUpgrade {
  readonly protocol = 'websocket';
  #isSwitching = false;
  #tunnel: Tunnel | undefined;
  #endedCleanly = false;
  #whenOver: (() => void) | undefined;

  /**
   * @param response attached to the connection, which it does not keep
   * @param early what the client sends while it waits
   */
  constructor(
    response: ServerResponse,
    private readonly socket: Socket,
    private readonly early: EarlyBytes,
    private readonly idleTimeoutMs: number,
  ) {
    super(response, true, (then) => void socket.once('close', then));
    response.shouldKeepAlive = false;
    response.once('finish', () => socket.destroySoon());
    // Node's server watches this connection no more.
    socket.on('drain', () => response.emit('drain'));
  }

  override get isGone(): boolean {
    return this.socket.destroyed;
  }

  override get isBegun(): boolean {
    return this.#isSwitching || super.isBegun;
  }

  override get isComplete(): boolean {
    return this.#tunnel === undefined ? super.isComplete : this.#endedCleanly;
  }

  override get status(): number {
    return this.#tunnel === undefined ? super.status : 101;
  }

  accept(reason: string, headers: readonly string[], upstream: Duplex, rest: Buffer): void {
    const { socket, response } = this;
    if (socket.destroyed) return void upstream.destroy();
    this.#isSwitching = true;
    response.detachSocket(socket);
    const lines = headers.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${headers[at + 1] ?? ''}\r\n`] : []));
    socket.write(`HTTP/1.1 101 ${reason}\r\n${lines.join('')}\r\n`, 'latin1');
    if (rest.length > 0) socket.write(rest);
    // Small frames wait for nothing.
    socket.setNoDelay(true).setTimeout(0);
    this.early.release();
    this.#tunnel = new Tunnel(socket, upstream, this.idleTimeoutMs, {
      onOver: (isClean) => {
        this.#endedCleanly = isClean;
        this.#whenOver?.();
      },
    });
  }

  override onOver(listener: () => void): void {
    this.#whenOver = listener;
    this.socket.once('close', () => {
      if (this.#tunnel === undefined) listener();
    });
  }

  override breakOff(): void {
    if (this.#tunnel === undefined) this.socket.resetAndDestroy();
    else this.#tunnel.destroy();
  }
}
