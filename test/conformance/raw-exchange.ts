import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const CLOSED_WITHIN_MS = 10_000;

/** How the bytes of a request reach the server. */
export const WAYS_TO_SEND = ['at once', 'in two pieces', 'after a request on the same connection'] as const;
export type WayToSend = (typeof WAYS_TO_SEND)[number];

/**
 * Sends bytes as they are. Gives everything that comes until the server ends the connection.
 *
 * @param first a request that is answered before, where the way wants one
 * @throws Error when the connection is not ended in time
 */
export async function exchangeRaw(
  port: number,
  { bytes, way, first }: { readonly bytes: string; readonly way: WayToSend; readonly first: string },
): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const pieces: string[] = [];
  socket.setEncoding('latin1').on('data', (piece: string) => pieces.push(piece));
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  const late = setTimeout(() => socket.destroy(), CLOSED_WITHIN_MS);
  if (way === 'after a request on the same connection') {
    await write(socket, first);
    await once(socket, 'data');
    pieces.length = 0;
  }
  const middle = way === 'in two pieces' ? Math.floor(bytes.length / 2) : bytes.length;
  await write(socket, bytes.slice(0, middle));
  // Another turn of the event loop: another packet, as Nagle's algorithm is off.
  await new Promise((resolve) => setImmediate(resolve));
  await write(socket, bytes.slice(middle));
  await closed;
  clearTimeout(late);
  if (socket.errored === null && !socket.readableEnded) throw new Error(`still open: ${pieces.join('')}`);
  return pieces.join('');
}

const write = (socket: Socket, bytes: string): Promise<void> =>
  new Promise((resolve) => socket.write(bytes, 'latin1', () => resolve()));
