import { availableParallelism } from 'node:os';
import type { SettingsReader } from '#libs/program-shell';

const MOST_WORKERS = 256;
const LONGEST_GATEWAY_ID = 200;

export interface WorkerSettings {
  /** Processes that share the traffic port, at least 1. With 1 there is only the program's own process. */
  readonly workers: number;
}

/** `WORKERS`; 0 stands for one for each core that this process may use. */
export function readWorkers(reader: SettingsReader, byDefault: number): number {
  return reader.integer('WORKERS', [0, MOST_WORKERS], byDefault) || availableParallelism();
}

/** Each worker is a gateway of its own, whose id is that of the whole with a dot and its number. */
export function checkWorkerNames(reader: SettingsReader, gatewayId: string, workers: number): void {
  const most = LONGEST_GATEWAY_ID - `.${workers}`.length;
  if (workers === 1 || gatewayId.length <= most) return;
  const text = `GATEWAY_ID must have at most ${most} characters: each of the ${workers} workers adds a dot and its number`;
  reader.faults.push(text);
}
