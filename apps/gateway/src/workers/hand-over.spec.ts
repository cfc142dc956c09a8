import { jest } from '@jest/globals';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { HandOver, type Taker } from './hand-over.ts';

/** A process that holds what it is handed, as the test says. */
class Process implements Taker {
  readonly handed: { readonly id: number; readonly socket: Socket | undefined }[] = [];
  hand(id: number, socket: Socket | undefined): void {
    this.handed.push({ id, socket });
  }
}

describe('connections that are handed over', () => {
  let server: Server;
  let handOver: HandOver;
  let unserved: number;
  let clients: Socket[];
  let [first, second] = [new Process(), new Process()];
  const port = () => (server.address() as AddressInfo).port;
  const takes = (process: Process) => handOver.taken(process, process.handed.at(-1)?.id ?? 0);
  const closed = (socket: Socket | undefined) => new Promise((resolve) => socket?.resume().once('close', resolve));
  /** Opens connections, one accepted after the other. */
  const come = async (count: number): Promise<void> => {
    for (let at = 0; at < count; at += 1) {
      const accepted = once(server, 'connection');
      clients.push(connect(port(), '127.0.0.1').on('error', () => undefined));
      await accepted;
    }
  };
  const ids = (process: Process) => process.handed.map(({ id }) => id);

  beforeEach(async () => {
    [unserved, clients, first, second] = [0, [], new Process(), new Process()];
    handOver = new HandOver({ onUnserved: () => (unserved += 1) });
    server = createServer({ pauseOnConnect: true }, (socket) => handOver.accept(socket)).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(async () => {
    jest.useRealTimers();
    await handOver.finish(Promise.resolve(server.close()));
    for (const client of clients) client.destroy();
  });

  const bothJoin = () => [first, second].forEach((process) => handOver.join(process));

  it('go to those that serve in turn', async () => {
    bothJoin();
    for (let turn = 0; turn < 3; turn += 1) {
      await come(1);
      takes(first);
      await come(1);
      takes(second);
    }
    expect([ids(first), ids(second)]).toEqual([
      [1, 3, 5],
      [2, 4, 6],
    ]);
  });

  it('are let go here when they are taken, not before', async () => {
    handOver.join(first);
    await come(1);
    const socket = first.handed[0]?.socket;
    expect(socket?.destroyed).toBe(false);
    takes(first);
    expect(socket?.destroyed).toBe(true);
    await closed(clients[0]);
  });

  it('do not queue behind one that a process has not taken', async () => {
    bothJoin();
    await come(1);
    for (let turn = 0; turn < 3; turn += 1) {
      await come(1);
      takes(second);
    }
    expect([ids(first), ids(second)]).toEqual([[1], [2, 3, 4]]);
    takes(first);
    await come(1);
    takes(second);
    await come(1);
    expect([ids(first), ids(second)]).toEqual([
      [1, 6],
      [2, 3, 4, 5],
    ]);
    takes(first);
  });

  it('go to another when a process ends that has not taken them, before those that came later', async () => {
    bothJoin();
    await come(3);
    const [lost] = first.handed;
    handOver.gone(first);
    takes(second);
    expect(second.handed.at(-1)).toEqual(lost);
    expect(lost?.socket?.destroyed).toBe(false);
    takes(second);
    takes(second);
    expect(ids(second)).toEqual([2, 1, 3]);
  });

  it('wait for one that serves', async () => {
    await come(2);
    handOver.join(first);
    takes(first);
    takes(first);
    expect([ids(first), unserved]).toEqual([[1, 2], 0]);
  });

  it('are closed when nobody serves in time', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    await come(1);
    jest.advanceTimersByTime(4_999);
    expect(unserved).toBe(0);
    jest.advanceTimersByTime(1);
    expect(unserved).toBe(1);
    await closed(clients[0]);
    handOver.join(first);
    expect(first.handed).toEqual([]);
  });

  it('are given to nobody else while a process that hangs may have them; asked again, it is free when it answers', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    handOver.join(first);
    await come(1);
    jest.advanceTimersByTime(5_000);
    expect(first.handed[0]?.socket?.destroyed).toBe(true);
    expect(first.handed[1]).toEqual({ id: 1, socket: undefined });
    handOver.join(second);
    await come(1);
    takes(second);
    expect([ids(second), unserved]).toEqual([[2], 0]);
    takes(first);
    takes(first);
    await come(2);
    expect([ids(first), ids(second)]).toEqual([
      [1, 1, 4],
      [2, 3],
    ]);
    takes(first);
    takes(second);
  });

  it('come no more to one that leaves, nor when it takes the last of them', async () => {
    bothJoin();
    await come(1);
    await handOver.leave(first);
    takes(first);
    await come(2);
    takes(second);
    takes(second);
    expect([ids(first), ids(second)]).toEqual([[1], [2, 3]]);
  });

  it('are all taken before the end, also by those that leave', async () => {
    handOver.join(first);
    await come(3);
    const order: string[] = [];
    const finished = handOver.finish(Promise.resolve()).then(() => order.push('finished'));
    const left = handOver.leave(first).then(() => order.push('left'));
    await new Promise(setImmediate);
    takes(first);
    takes(first);
    await new Promise(setImmediate);
    expect(order).toEqual([]);
    takes(first);
    await Promise.all([finished, left]);
    expect([ids(first), unserved]).toEqual([[1, 2, 3], 0]);
  });

  it('that nobody takes are closed a second after the end began', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    await come(2);
    const finished = handOver.finish(Promise.resolve());
    await new Promise(setImmediate);
    jest.advanceTimersByTime(1_000);
    await finished;
    expect(unserved).toBe(2);
    await Promise.all(clients.map(closed));
  });
});
