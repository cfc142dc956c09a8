import type { Socket } from 'node:net';
import { plainAddress } from '#libs/client-addresses';
import type { ClientConnection } from '../client-exchange.ts';

/** The other ends that a PROXY header named. */
const namedPeers = new WeakMap<Socket, string>();

/** A balancer said who is at the other end of this connection; an IPv4 address in its plain form. */
export const namePeer = (socket: Socket, address: string): void => void namedPeers.set(socket, address);

/** What holds for every request of a connection. */
export const connectionOf = (socket: Socket): ClientConnection => ({
  peerAddress: namedPeers.get(socket) ?? plainAddress(socket.remoteAddress ?? ''),
  isEncrypted: 'encrypted' in socket,
});
