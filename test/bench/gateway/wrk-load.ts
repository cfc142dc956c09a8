import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { MS_PER_TICK } from './cores.ts';

const SCRIPT = path.resolve(import.meta.dirname, 'wrk-load.lua');

/** Who asks, and how fast. */
export interface Pace {
  readonly connections: number;
  /** Mean pause of a connection between an answer and its next request; 0: none. */
  readonly pauseMs: number;
}

export interface TokensInTurn {
  /** A file with a token in each line. */
  readonly file: string;
  /** Number of the first one, from 0; those after the last one begin again. */
  readonly first: number;
  /** How many different ones are used. */
  readonly count: number;
}

export interface LoadWishes {
  readonly wrk: string;
  readonly port: number;
  readonly path: string;
  readonly seconds: number;
  readonly pace: Pace;
  /** Absent: requests without one. */
  readonly tokens?: TokensInTurn | undefined;
}

export interface LoadResult {
  readonly requests: number;
  readonly micros: number;
  /** Answers that were neither 2xx nor 3xx. */
  readonly refused: number;
  /** Connections that could not be made or broke, and answers that did not come. */
  readonly broken: number;
  /** As wrk has it: from the moment a request was written, and corrected for the requests that a late answer held back. */
  readonly p50Micros: number;
  readonly p99Micros: number;
  /** Time on the processors of wrk itself. */
  readonly cpuMs: number;
}

/** What the ended children of this process had of the processors (cutime and cstime of proc(5)). */
function childrenCpuMs(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) * MS_PER_TICK;
}

/** One run of wrk, a single thread. @throws Error when it fails, or when any answer is not the one wanted */
export async function runWrk({ wrk, port, path: urlPath, seconds, pace, tokens }: LoadWishes): Promise<LoadResult> {
  const { file = '', first = 0, count = 1 } = tokens ?? {};
  const { connections, pauseMs } = pace;
  const size = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s'];
  const script = ['-s', SCRIPT, `http://127.0.0.1:${port}${urlPath}`, '--', file, first, count, pauseMs].map(String);
  const env = { PATH: process.env['PATH'], ...(pauseMs > 0 ? { WRK_PAUSE: '1' } : {}) };
  const before = childrenCpuMs();
  const child = spawn(wrk, [...size, ...script], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  const line = output.split('\n').find((one) => one.startsWith('{'));
  if (line === undefined) throw new Error(`wrk: ${output}${errors}`);
  const result = { ...(JSON.parse(line) as Omit<LoadResult, 'cpuMs'>), cpuMs: childrenCpuMs() - before };
  if (result.refused > 0 || result.broken > 0) throw new Error(`not every answer was good: ${line}`);
  return result;
}
