import { readdirSync, readFileSync } from 'node:fs';

/** What a process holds at one moment. */
export interface Held {
  readonly atMs: number;
  readonly residentMb: number;
  /** Sockets, files and the like. */
  readonly descriptors: number;
}

export function heldBy(pid: number): Held {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const residentMb = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1_024;
  return { atMs: performance.now(), residentMb, descriptors: readdirSync(`/proc/${pid}/fd`).length };
}

/** Rise of the straight line through the samples, from the first one to the last (least squares). */
export function fittedRise(samples: readonly Held[], of: 'residentMb' | 'descriptors'): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0) / values.length;
  const [meanAt, meanValue] = [mean(samples.map(({ atMs }) => atMs)), mean(samples.map((one) => one[of]))];
  let [above, below] = [0, 0];
  for (const sample of samples) {
    above += (sample.atMs - meanAt) * (sample[of] - meanValue);
    below += (sample.atMs - meanAt) ** 2;
  }
  const lastedMs = (samples.at(-1)?.atMs ?? 0) - (samples[0]?.atMs ?? 0);
  return below === 0 ? 0 : (above / below) * lastedMs;
}
