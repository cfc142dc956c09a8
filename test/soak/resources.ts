import { readdirSync, readFileSync } from 'node:fs';

/** What of a process may not grow; megabytes are of 1,048,576 bytes. */
export type Resource = 'residentMb' | 'heapMb' | 'buffersMb' | 'descriptors';

/** How much of something a process held at one moment. */
export interface Sample {
  readonly atMs: number;
  readonly value: number;
}

/** What the system knows of a process. Descriptors are sockets, files and the like. */
export function heldBy(pid: number): Readonly<Record<'residentMb' | 'descriptors', number>> {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const residentMb = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1_024;
  return { residentMb, descriptors: readdirSync(`/proc/${pid}/fd`).length };
}

/** Rise of the straight line through the samples, from the first one to the last (least squares). */
export function fittedRise(samples: readonly Sample[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0) / values.length;
  const [meanAt, meanValue] = [mean(samples.map(({ atMs }) => atMs)), mean(samples.map(({ value }) => value))];
  let [above, below] = [0, 0];
  for (const { atMs, value } of samples) {
    above += (atMs - meanAt) * (value - meanValue);
    below += (atMs - meanAt) ** 2;
  }
  const lastedMs = (samples.at(-1)?.atMs ?? 0) - (samples[0]?.atMs ?? 0);
  return below === 0 ? 0 : (above / below) * lastedMs;
}
