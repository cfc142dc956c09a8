import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** A built program of ours. Without source maps, which take a tenth of each start and give no more than the lines of stacks. */
export class ChildProgram {
  private child: ChildProcess | undefined;
  private text = '';

  /** @param entry below `dist`, or the whole path of a program that is not of this build */
  constructor(
    private readonly entry: string,
    private readonly environment: Readonly<Record<string, string>>,
    private readonly args: readonly string[] = [],
  ) {}

  /** Everything it has printed since it was first started. */
  get output(): string {
    return this.text;
  }

  /** Of the process that was started last. @throws Error when there is none */
  get pid(): number {
    const pid = this.child?.pid;
    if (pid === undefined) throw new Error(`${this.entry} was not started`);
    return pid;
  }

  start(): void {
    const inherited = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' };
    const child = spawn(process.execPath, [path.resolve(ROOT, 'dist', this.entry), ...this.args], {
      env: { ...inherited, ...this.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.on('data', (data: Buffer) => (this.text += data.toString('utf8')));
    child.stderr.on('data', (data: Buffer) => (this.text += data.toString('utf8')));
    this.child = child;
  }

  /** Exit code, or null when a signal ended it. */
  async exited(): Promise<number | null> {
    const child = this.child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const [code] = (await once(child, 'exit')) as [number | null];
    return code;
  }

  /** Ends it, and waits for that. */
  async signal(signal: NodeJS.Signals): Promise<number | null> {
    const exited = this.exited();
    this.child?.kill(signal);
    return exited;
  }

  /** Stops the clock for it; {@link thaw} lets it go on. */
  freeze(): void {
    this.child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.child?.kill('SIGCONT');
  }
}
