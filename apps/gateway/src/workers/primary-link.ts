import cluster from 'node:cluster';
import { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { ConnectionAcceptor } from '../http-server/listener/connection-acceptor.port.ts';
import type { FromWorker, OfConnections, Question, ToWorker, WorkerAnswers } from './worker-protocol.ts';

/** A primary that does not answer is not waited for longer. Above what it waits for itself when all are to end. */
const LONGEST_LEAVE_MS = 2_000;

export interface PrimaryWishes {
  /** The primary wants this worker to end, or is gone itself. Possibly several times. */
  onStop(): void;
}

type Answers = { readonly [Asked in Question]: () => Promise<WorkerAnswers[Asked]> };

/** A worker's connection to the process that started it, and that accepts the connections of clients. */
export class PrimaryLink implements ConnectionAcceptor {
  #take: (socket: Socket) => void = (socket) => void socket.destroy();
  #onLeft: () => void = () => undefined;
  #answers: Answers | undefined;

  constructor(wishes: PrimaryWishes) {
    process.on('message', (message: ToWorker, socket: unknown) => {
      if (message.kind === 'connection') this.#connection(message.id, socket);
      else if (message.kind === 'stop') wishes.onStop();
      else if (message.kind === 'left') this.#onLeft();
      else void this.#answer(message.id, message.what);
    });
    cluster.worker?.on('disconnect', () => {
      // Otherwise node:cluster ends this process here and now, with every request in flight.
      if (cluster.worker !== undefined) cluster.worker.exitedAfterDisconnect = true;
      wishes.onStop();
    });
  }

  /** This worker serves, and answers what it is asked. */
  serving(answers: Answers): void {
    this.#answers = answers;
    void this.tell({ kind: 'serving' });
  }

  /** Fulfils when the message has left this process, or cannot. */
  tell(message: FromWorker | OfConnections): Promise<void> {
    return new Promise((resolve) => {
      if (process.send === undefined || !process.connected) resolve();
      else process.send(message, undefined, undefined, () => resolve());
    });
  }

  open(take: (socket: Socket) => void): void {
    this.#take = take;
  }

  /** Fulfils when every connection that was on its way has come, and all others go to other workers. */
  async close(): Promise<void> {
    const left = new Promise<void>((resolve) => (this.#onLeft = resolve));
    await this.tell({ kind: 'leaving' });
    if (process.connected) await Promise.race([left, pause(LONGEST_LEAVE_MS, undefined, { ref: false })]);
  }

  #connection(id: number, socket: unknown): void {
    void this.tell({ kind: 'taken', id });
    if (socket instanceof Socket) this.#take(socket);
  }

  async #answer(id: number, what: Question): Promise<void> {
    const content = await this.#answers?.[what]();
    await this.tell({ kind: 'answer', id, content });
  }
}
