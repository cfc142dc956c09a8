import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { NodeConnection } from './node-connection.ts';

it('reads no further while many requests wait, whoever resumes it, and goes on as they are answered', async () => {
  const socket = new Socket();
  const connection = new NodeConnection(socket);
  const responses: EventEmitter[] = [];
  const start = (): void => {
    const response = new EventEmitter();
    responses.push(response);
    connection.whenOver(response as ServerResponse, () => undefined);
  };
  for (let at = 0; at < 17; at += 1) connection.take({ start });
  expect(socket.isPaused()).toBe(true);
  socket.resume();
  await nextTurn();
  expect(socket.isPaused()).toBe(true);
  responses[0]?.emit('close');
  expect([socket.isPaused(), responses.length]).toEqual([false, 2]);
  socket.destroy();
});
