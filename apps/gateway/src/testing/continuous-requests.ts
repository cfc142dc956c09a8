import http from 'node:http';
import { ask } from '../http-server/testing/rig.ts';

const CONNECTIONS_TO_EACH = 8;

export interface ContinuousWishes {
  /** Traffic ports; each gets as many connections. */
  readonly ports: readonly number[];
  readonly path: string;
  readonly token: () => string;
  /** Told after each answer, with how many there are by now. */
  readonly onAnswered?: (answered: number) => void;
}

/** How many answers there were of each status. */
export type Statuses = Readonly<Record<number, number>>;

/** Asks without a pause over kept connections until there were so many answers. */
export async function askContinuously(total: number, wishes: ContinuousWishes): Promise<Statuses> {
  const statuses: Record<number, number> = {};
  const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS_TO_EACH });
  let [asked, answered] = [0, 0];
  const askOn = async (port: number): Promise<void> => {
    while (asked < total) {
      asked += 1;
      const headers = { authorization: `Bearer ${wishes.token()}` };
      const { status } = await ask({ port, path: wishes.path, headers, agent });
      statuses[status] = (statuses[status] ?? 0) + 1;
      answered += 1;
      wishes.onAnswered?.(answered);
    }
  };
  const connections = wishes.ports.flatMap((port) => Array.from({ length: CONNECTIONS_TO_EACH }, () => port));
  await Promise.all(connections.map(askOn));
  agent.destroy();
  return statuses;
}
