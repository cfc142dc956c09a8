import type { FastifyInstance } from 'fastify';
import type { Socket } from 'node:net';

/**
 * When the server closes, ends connections that nobody asks anything on. Node by itself waits for ever for one on which no
 * request has come yet (a browser opens some ahead of time, a probe does nothing else), and up to the keep-alive time for
 * one whose last answer ends after the closing began.
 */
export function endQuietConnections(instance: FastifyInstance): void {
  const quiet = new Set<Socket>();
  let isClosing = false;
  const rest = (socket: Socket): void => {
    if (socket.destroyed) return;
    if (isClosing) socket.destroySoon();
    else quiet.add(socket);
  };
  instance.server.on('connection', (socket) => {
    socket.once('close', () => quiet.delete(socket));
    rest(socket);
  });
  instance.server.on('request', ({ socket }, response) => {
    quiet.delete(socket);
    response.once('close', () => rest(socket));
  });
  instance.addHook('preClose', async () => {
    isClosing = true;
    for (const socket of quiet) socket.destroySoon();
  });
}
