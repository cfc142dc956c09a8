import cluster from 'node:cluster';
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import type { FromWorker, Question, ToWorker, WorkerAnswers } from './worker-protocol.ts';

/** A primary that does not answer is not waited for longer. */
const LONGEST_TURN_MS = 1_000;

export interface PrimaryWishes {
  /** The primary wants this worker to end, or is gone itself. Possibly several times. */
  onStop(): void;
}

type Answers = { readonly [Asked in Question]: () => Promise<WorkerAnswers[Asked]> };

/** A worker's connection to the process that started it. */
export class PrimaryLink {
  #onTurned: () => void = () => undefined;
  #answers: Answers | undefined;

  constructor(wishes: PrimaryWishes) {
    process.on('message', (message: ToWorker) => {
      if (message.kind === 'stop') wishes.onStop();
      else if (message.kind === 'turned') this.#onTurned();
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
  tell(message: FromWorker): Promise<void> {
    return new Promise((resolve) => {
      if (process.send === undefined || !process.connected) resolve();
      else process.send(message, undefined, undefined, () => resolve());
    });
  }

  /** Fulfils when every connection that the primary had accepted for this worker has come. */
  async turn(): Promise<void> {
    const turned = new Promise<void>((resolve) => (this.#onTurned = resolve));
    await this.tell({ kind: 'turn' });
    if (process.connected) await Promise.race([turned, pause(LONGEST_TURN_MS, undefined, { ref: false })]);
    await nextTurn();
  }

  async #answer(id: number, what: Question): Promise<void> {
    const content = await this.#answers?.[what]();
    await this.tell({ kind: 'answer', id, content });
  }
}
