import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { MS_PER_TICK } from './cores.ts';

const STOP_WITHIN_MS = 15_000;
const KEPT_OUTPUT_CHARS = 4_000;
const running = new Set<PinnedProcess>();

export interface PinnedCommand {
  readonly taskset: string;
  readonly core: number;
  readonly command: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly directory?: string;
}

/** A process that stays on one core and whose time on it is known. Linux only. */
export class PinnedProcess {
  private text = '';

  private constructor(private readonly child: ChildProcess) {
    running.add(this);
    const keep = (data: Buffer): void => {
      this.text = `${this.text}${data.toString('utf8')}`.slice(-KEPT_OUTPUT_CHARS);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    child.once('exit', () => running.delete(this));
  }

  /** taskset becomes the command, so its process number is the command's. */
  static start({ taskset, core, command, args, environment = {}, directory }: PinnedCommand): PinnedProcess {
    const env = { PATH: process.env['PATH'], ...environment };
    const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
    const options = { env, stdio, ...(directory === undefined ? {} : { cwd: directory }) };
    return new PinnedProcess(spawn(taskset, ['-c', String(core), command, ...args], options));
  }

  /** The end of what it has printed. */
  get output(): string {
    return this.text;
  }

  get isRunning(): boolean {
    return running.has(this);
  }

  /** User and system time of all its threads so far, those that ended included, in milliseconds. */
  cpuMs(): number {
    const stat = readFileSync(`/proc/${this.child.pid}/stat`, 'utf8');
    // The name in parentheses may hold anything; the 14th and the 15th field are utime and stime (proc(5)).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
  }

  /** Memory that is held right now, in bytes. */
  residentBytes(): number {
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024;
  }

  async stop(): Promise<void> {
    if (!this.isRunning) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    const kill = setTimeout(() => this.child.kill('SIGKILL'), STOP_WITHIN_MS);
    await exited;
    clearTimeout(kill);
  }
}

/** Whatever is still running, however the benchmark ends. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map((one) => one.stop()));
}
