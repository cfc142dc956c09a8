import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** A connection after 101. Each direction ends by itself. */
export class UpgradedSocket extends Duplex {
  constructor(private readonly socket: Socket) {
    super({ allowHalfOpen: true });
  }

  /** @returns false asks for a pause until more is read */
  came(piece: Buffer): boolean {
    return this.push(piece);
  }

  override _read(): void {
    this.socket.resume();
  }

  override _write(piece: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.socket.write(piece, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.socket.destroy();
    done(error);
  }
}
