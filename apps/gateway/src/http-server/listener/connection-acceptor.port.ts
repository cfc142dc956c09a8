import type { Socket } from 'node:net';

/** Somebody else who accepts connections for this process. */
export interface ConnectionAcceptor {
  /** @param take gets every connection from now on, unread */
  open(take: (socket: Socket) => void): void;
  /** Fulfils when the last connection has come. */
  close(): Promise<void>;
}
