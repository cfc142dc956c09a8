import { randomBytes, randomUUID } from 'node:crypto';
import { on, once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { endWith } from './echo-conversations.ts';
import { pick, type TrafficKind, type Visit } from './traffic-kinds.ts';

const WITHIN_MS = 30_000;
/** Rounds of messages; now and then so many that the configuration changes several times meanwhile. */
const ROUNDS = [3, 3, 3, 3, 40] as const;
const BETWEEN_ROUNDS_MS = 100;
/** Every way in which a frame writes its length. */
const MESSAGE_BYTES = [0, 125, 126, 70_000] as const;
const CODES = [1_000, 1_001, 3_000, 4_999] as const;

const within = () => ({ signal: AbortSignal.timeout(WITHIN_MS) });

function opened({ gatewayUrl, ground }: Visit, id: string, token: string): WebSocket {
  const url = `${gatewayUrl.replace('http', 'ws')}/verified/socket?id=${id}`;
  return new WebSocket(url, { headers: { authorization: `Bearer ${token}` }, ca: ground.trusted });
}

/** Every message comes back, in the order in which they were sent. */
async function expectEchoes(socket: WebSocket, rounds: number): Promise<void> {
  const coming = on(socket, 'message', { ...within(), close: ['close'] });
  for (let round = 0; round < rounds; round += 1) {
    const sent = MESSAGE_BYTES.map((size) => randomBytes(size));
    for (const message of sent) socket.send(message);
    for (const message of sent) {
      const came = (await coming.next()) as IteratorResult<[Buffer, boolean], undefined>;
      if (came.done === true) throw new Error(`it ended in round ${round} of ${rounds}`);
      const [data, isBinary] = came.value;
      if (!isBinary || !data.equals(message))
        throw new Error(`of ${message.length} bytes ${data.length}, or others, came back`);
    }
    await pause(BETWEEN_ROUNDS_MS);
  }
  await coming.return?.();
}

/** Ends it from either side; the code that was sent has to come at the other one. */
async function expectEnd(socket: WebSocket, turn: number, endAtUpstream: Promise<number>): Promise<void> {
  const code = pick(CODES, turn);
  const ended = once(socket, 'close', within()) as Promise<[number]>;
  if (turn % 2 === 0) socket.close(code, 'done');
  else socket.send(endWith(code));
  const [[here], there] = await Promise.all([ended, withinTime(endAtUpstream)]);
  if (here !== code || there !== code)
    throw new Error(`closed with ${code}: ${here} came here, ${there} at the upstream`);
}

async function withinTime(code: Promise<number>): Promise<number> {
  const late = pause(WITHIN_MS, undefined, { ref: false }).then(() =>
    Promise.reject(new Error('the upstream saw no end')),
  );
  return Promise.race([code, late]);
}

async function expectConversation(visit: Visit): Promise<void> {
  const id = randomUUID();
  const endAtUpstream = visit.ground.upstream.conversations.endOf(id);
  const socket = opened(visit, id, pick(visit.ground.tokens.good, visit.turn));
  try {
    await once(socket, 'open', within());
    await expectEchoes(socket, pick(ROUNDS, visit.turn));
    await expectEnd(socket, visit.turn, endAtUpstream);
  } finally {
    socket.on('error', () => undefined).terminate();
  }
}

async function expectNoConversation(visit: Visit): Promise<void> {
  const socket = opened(visit, randomUUID(), pick(visit.ground.tokens.bad, visit.turn).token);
  try {
    const [, { statusCode }] = (await once(socket, 'unexpected-response', within())) as [unknown, IncomingMessage];
    if (statusCode !== 401) throw new Error(`${String(statusCode)} where 401 was to come`);
  } finally {
    socket.on('error', () => undefined).terminate();
  }
}

/** Of connections that become WebSocket. */
export const WEBSOCKET_KINDS: Readonly<Record<string, TrafficKind>> = {
  'a WebSocket conversation': expectConversation,
  'a WebSocket conversation with a bad token': expectNoConversation,
};
