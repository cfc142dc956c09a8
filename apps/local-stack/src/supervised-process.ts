import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openServerLog } from '#libs/embedded-servers';
import { Backoff } from './backoff.ts';
import { ErrorLines } from './error-lines.ts';
import { forgetChild, recordChild } from './run-record.ts';
import { StackFault } from './stack-fault.ts';

/** One program of the stack. */
export interface ProcessPlan {
  readonly name: string;
  /** The built program. */
  readonly script: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Answers 200 once the program does its work. */
  readonly readyUrl: string;
  /** How long it may take to come up, in milliseconds. */
  readonly readyLimitMs: number;
  /** How long SIGTERM waits before SIGKILL, in milliseconds. */
  readonly stopLimitMs: number;
}

export interface ProcessSurroundings {
  readonly dataDir: string;
  /** Tells the person at the terminal. */
  readonly say: (message: string) => void;
}

const LOOK_AGAIN_MS = 100;
const PROBE_LIMIT_MS = 2000;
const SHOWN_LOG_LINES = 12;

/** Runs a program, restarts it when it dies unexpectedly, and stops it. */
export class SupervisedProcess {
  private child: ChildProcess | undefined;
  private readonly stopping = new AbortController();
  private readonly backoff = new Backoff();
  private readonly logFile: string;
  private supervision: Promise<void> = Promise.resolve();
  private errors: ErrorLines | undefined;

  constructor(
    private readonly plan: ProcessPlan,
    private readonly surroundings: ProcessSurroundings,
  ) {
    this.logFile = path.join(surroundings.dataDir, 'logs', `${plan.name}.log`);
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  /**
   * Starts the program and waits until it is ready; from then on it is restarted whenever it dies.
   *
   * @throws StackFault `CHILD_FAILED` or `NOT_READY`, with the last lines of its log
   */
  async start(): Promise<void> {
    mkdirSync(path.dirname(this.logFile), { recursive: true });
    const log = openServerLog(this.logFile);
    try {
      const { child, exited } = await this.spawnOnce();
      if (!(await this.becomesReady(child))) throw await this.giveUp(child, exited, log.tail(SHOWN_LOG_LINES));
      this.errors = new ErrorLines(this.logFile, (line) => this.surroundings.say(`${this.plan.name}: ${line}`));
      this.supervision = this.supervise(child, exited);
    } finally {
      log.release();
    }
  }

  /** Stops the program for good and waits until it has gone. */
  async stop(): Promise<void> {
    this.stopping.abort();
    const { child } = this;
    if (child !== undefined && isRunning(child)) {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), this.plan.stopLimitMs);
      await exited;
      clearTimeout(timer);
    }
    await this.supervision;
    this.errors?.stop();
    forgetChild(this.surroundings.dataDir, this.plan.name);
  }

  /** Ends it at once, whatever it is doing. */
  kill(): void {
    this.stopping.abort();
    this.child?.kill('SIGKILL');
  }

  /** Logs go straight to the file, so that the child does not depend on us; a session of its own keeps Ctrl-C away. */
  private async spawnOnce(): Promise<{ child: ChildProcess; exited: Promise<unknown> }> {
    const log = openServerLog(this.logFile);
    const child = spawn(process.execPath, ['--enable-source-maps', this.plan.script], {
      env: this.plan.environment,
      detached: true,
      stdio: ['ignore', log.descriptor, log.descriptor],
    });
    log.release();
    const exited = once(child, 'exit');
    await once(child, 'spawn');
    this.child = child;
    recordChild(this.surroundings.dataDir, this.plan.name, { pid: child.pid ?? 0, script: this.plan.script });
    return { child, exited };
  }

  private async becomesReady(child: ChildProcess): Promise<boolean> {
    for (let waitedMs = 0; waitedMs < this.plan.readyLimitMs; waitedMs += LOOK_AGAIN_MS) {
      if (!isRunning(child) || this.stopping.signal.aborted) return false;
      if (await answersOk(this.plan.readyUrl)) return isRunning(child);
      await delay(LOOK_AGAIN_MS);
    }
    return false;
  }

  private async giveUp(child: ChildProcess, exited: Promise<unknown>, tail: string): Promise<StackFault> {
    const { name, readyLimitMs } = this.plan;
    const died = !isRunning(child);
    child.kill('SIGTERM');
    await exited;
    forgetChild(this.surroundings.dataDir, name);
    const what = died ? `${name} ended while starting` : `${name} was not ready after ${readyLimitMs / 1000} seconds`;
    return new StackFault(died ? 'CHILD_FAILED' : 'NOT_READY', `${what}; its last lines:\n${tail}`, [
      `the whole log: ${this.logFile}`,
    ]);
  }

  private async supervise(first: ChildProcess, firstExited: Promise<unknown>): Promise<void> {
    let current = { child: first, exited: firstExited };
    while (!this.stopping.signal.aborted) {
      const startedAtMs = performance.now();
      await current.exited;
      if (this.stopping.signal.aborted) return;
      const waitMs = this.backoff.delayMs(performance.now() - startedAtMs);
      this.surroundings.say(`${this.plan.name} ${howItEnded(current.child)}: starting it again in ${waitMs} ms`);
      if (!(await this.pause(waitMs))) return;
      current = await this.spawnOnce();
      if (this.stopping.signal.aborted) return this.endAgain(current);
      void this.announceReturn(current.child);
    }
  }

  /** We were told to stop just while it was being started again. */
  private async endAgain({ child, exited }: { child: ChildProcess; exited: Promise<unknown> }): Promise<void> {
    child.kill('SIGTERM');
    await exited;
  }

  private async announceReturn(child: ChildProcess): Promise<void> {
    if (await this.becomesReady(child)) {
      this.surroundings.say(`${this.plan.name} is back (process ${child.pid})`);
    }
  }

  /** False when we are stopping meanwhile. */
  private pause(waitMs: number): Promise<boolean> {
    return delay(waitMs, true, { signal: this.stopping.signal }).catch(() => false);
  }
}

const isRunning = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;

const howItEnded = (child: ChildProcess): string =>
  child.signalCode === null ? `ended with status ${child.exitCode}` : `was ended by ${child.signalCode}`;

async function answersOk(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(PROBE_LIMIT_MS) });
    await answer.body?.cancel();
    return answer.status === 200;
  } catch {
    return false;
  }
}
