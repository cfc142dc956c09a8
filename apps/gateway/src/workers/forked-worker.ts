import cluster from 'node:cluster';
import type { Socket } from 'node:net';
import type { HandOver, Taker } from './hand-over.ts';
import type { FromWorker, OfConnections, ToWorker } from './worker-protocol.ts';
import type { StartWorker } from './worker-place.ts';

/**
 * Starts this program again as a worker by node:cluster, whose own sharing of ports is not used: it leaves a connection that
 * a worker dies of open for ever.
 *
 * @param handOver hands connections to those that serve
 * @param variables the environment variables in which a worker differs from this process
 */
export function forkedWorkers(
  handOver: HandOver,
  variables: (number: number) => Readonly<Record<string, string>>,
): StartWorker {
  return (number, { onMessage, onEnd }) => {
    const worker = cluster.fork(variables(number));
    let hasEnded = false;
    const ended = (code: number | null, signal: string | null): void => {
      if (hasEnded) return;
      hasEnded = true;
      onEnd({ code, signal });
    };
    // Who has just ended says so by its exit. What is handed over stays open here until it is taken.
    const tell = (message: ToWorker, socket?: Socket): void =>
      void (worker.isConnected() && worker.send(message, socket, { keepOpen: true }, () => undefined));
    const taker: Taker = { hand: (id, socket) => tell({ kind: 'connection', id }, socket) };
    worker.on('message', (message: FromWorker | OfConnections) => {
      if (message.kind === 'taken') return handOver.taken(taker, message.id);
      // Node keeps it behind a connection that is on its way.
      if (message.kind === 'leaving') return void handOver.leave(taker).then(() => tell({ kind: 'left' }));
      if (message.kind === 'serving') handOver.join(taker);
      onMessage(message);
    });
    // Later than its exit: when all that it has said is read. Node leaves out `disconnect` while a socket is on its way.
    worker.process.once('close', () => handOver.gone(taker));
    worker.on('exit', (code: number | null, signal: string | null) => ended(code, signal));
    // A process that was never started ends in no other way.
    worker.on('error', () => (worker.process.pid === undefined ? ended(null, null) : undefined));
    return {
      pid: worker.process.pid,
      tell: (message) => tell(message),
      kill: () => void worker.process.kill('SIGKILL'),
    };
  };
}
