import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const LOADER = path.resolve(import.meta.dirname, '../typescript-loader.mjs');

/** A process whose time on the processors counts, that of every thread of it. Linux only. */
export class MeasuredProcess {
  private constructor(private readonly child: ChildProcess) {}

  /** One of the programs of this folder; it says when it listens. */
  static async ofBench(program: string, settings: object): Promise<MeasuredProcess> {
    const execArgv = ['--no-warnings', '--import', LOADER];
    const env = { ...process.env, NODE_ENV: 'production' };
    const child = fork(path.resolve(import.meta.dirname, program), [JSON.stringify(settings)], { execArgv, env });
    const ended = once(child, 'exit').then(() => {
      throw new Error(`${program} ended before it listened`);
    });
    await Promise.race([once(child, 'message'), ended]);
    return new MeasuredProcess(child);
  }

  /** A built program of ours, by its settings alone; what it prints goes where nobody reads it. */
  static ofProgram(entry: string, settings: Readonly<Record<string, string>>): MeasuredProcess {
    const options = [...process.execArgv.filter((option) => option.startsWith('--cpu-prof')), '--enable-source-maps'];
    const env = { PATH: process.env['PATH'], NODE_ENV: 'production', ...settings };
    return new MeasuredProcess(spawn(process.execPath, [...options, entry], { env, stdio: 'ignore' }));
  }

  /** User and system time of all its threads so far, in microseconds, as the kernel has it. */
  cpuMicros(): number {
    const tasks = `/proc/${this.child.pid}/task`;
    const nanoseconds = readdirSync(tasks).map((task) =>
      Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0]),
    );
    return nanoseconds.reduce((sum, one) => sum + one, 0) / 1_000;
  }

  async stop(): Promise<void> {
    const exited = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await exited;
  }
}
