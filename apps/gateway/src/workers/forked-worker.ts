import cluster from 'node:cluster';
import type { FromWorker } from './worker-protocol.ts';
import type { StartWorker } from './worker-place.ts';

/**
 * Starts this program again as a worker by node:cluster: connections to the ports that it listens on are accepted here and
 * handed to the workers in turn.
 *
 * @param variables the environment variables in which a worker differs from this process
 */
export function forkedWorkers(variables: (number: number) => Readonly<Record<string, string>>): StartWorker {
  return (number, { onMessage, onEnd }) => {
    const worker = cluster.fork(variables(number));
    let hasEnded = false;
    const ended = (code: number | null, signal: string | null): void => {
      if (hasEnded) return;
      hasEnded = true;
      onEnd({ code, signal });
    };
    worker.on('message', (message: FromWorker) => onMessage(message));
    worker.on('exit', (code: number | null, signal: string | null) => ended(code, signal));
    // A process that was never started ends in no other way.
    worker.on('error', () => (worker.process.pid === undefined ? ended(null, null) : undefined));
    return {
      pid: worker.process.pid,
      // Who has just ended says so by its exit.
      tell: (message) => void (worker.isConnected() && worker.send(message, () => undefined)),
      kill: () => void worker.process.kill('SIGKILL'),
    };
  };
}
