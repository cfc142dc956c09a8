import { json } from './token-client.ts';

export interface WorkerView {
  readonly worker: number;
  readonly pid: number | null;
  readonly ready: boolean;
  readonly deployment: number | null;
}

/** What `/config` of a gateway says of its workers. */
export const workersOf = async (adminUrl: string): Promise<readonly WorkerView[]> =>
  (await json(await fetch(`${adminUrl}/config`))).workers as WorkerView[];

/** Process id of a worker, by its number. */
export async function workerPid(adminUrl: string, worker: number): Promise<number> {
  const pid = (await workersOf(adminUrl)).find((view) => view.worker === worker)?.pid;
  if (pid === undefined || pid === null) throw new Error(`no worker ${worker} runs`);
  return pid;
}

/** The sum of all series of a metric. */
export async function metricSum(adminUrl: string, name: string): Promise<number> {
  const lines = (await (await fetch(`${adminUrl}/metrics`)).text()).split('\n');
  const series = lines.filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
  return series.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

/** Whether a process is there that has not ended. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
