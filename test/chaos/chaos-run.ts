import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { AppliedFloors } from './applied-floors.ts';
import { ENVIRONMENTS, startChaosSystem, type ChaosSetUp } from './chaos-system.ts';
import { reportOf, type ChaosReport } from './chaos-report.ts';
import { Downtimes } from './downtimes.ts';
import { GatewayWatcher } from './gateway-watcher.ts';
import { Monkey } from './monkey.ts';
import { SeededRandom } from './seeded-random.ts';
import { settled } from './settle.ts';
import { violations } from './verdict.ts';
import { victimsOf } from './victims.ts';
import { Writer } from './writer.ts';

export interface ChaosOptions {
  readonly seed: number;
  /** How long things are killed; starting and settling come on top. */
  readonly durationMs: number;
  readonly proxies: number;
  readonly gatewaysEach: number;
  readonly say: (line: string) => void;
  /** Ends the killing before its time; what was done until then is judged all the same. */
  readonly signal?: AbortSignal;
}

const SETTLES_WITHIN_MS = 90_000;

/** Changes, kills and watches for a while, lets the system settle, and says what was not kept. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { seed, say } = options;
  const startedMs = performance.now();
  say(`seed ${seed}: starting two environments with ${options.gatewaysEach} gateways each`);
  const copies = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-chaos-'));
  const setUp = await startChaosSystem(options);
  try {
    const run = new ChaosRun(setUp, options, startedMs);
    return await run.report(await run.strain(path.join(copies, 'old')));
  } finally {
    await setUp.system.stop();
    rmSync(copies, { recursive: true, force: true });
  }
}

/** What came out of the killing itself. */
interface Strained {
  readonly complaints: readonly string[];
  readonly settledAfterMs: number;
}

class ChaosRun {
  private readonly writers: readonly Writer[];
  private readonly watchers: readonly GatewayWatcher[];
  private readonly monkey: Monkey;
  private isWritten = false;
  private isSettled = false;

  constructor(
    private readonly setUp: ChaosSetUp,
    private readonly options: ChaosOptions,
    private readonly startedMs: number,
  ) {
    const { system, proxies } = setUp;
    const random = new SeededRandom(options.seed);
    const [floors, downtimes] = [new AppliedFloors(), new Downtimes()];
    this.writers = proxies.map((proxy) => new Writer(system, proxy, random.forPart(proxy), floors));
    this.watchers = watchersOf(setUp, floors, downtimes);
    this.monkey = new Monkey(victimsOf(system, downtimes), random.forPart('monkey'), (line) => this.say(line));
  }

  /** Changes and kills, then waits until everything is as it should be. */
  async strain(copyDirectory: string): Promise<Strained> {
    const watching = Promise.all(this.watchers.map((watcher) => watcher.run(() => this.isSettled)));
    try {
      return await this.changeAndKill(copyDirectory);
    } finally {
      this.isSettled = true;
      await watching;
    }
  }

  async report({ complaints, settledAfterMs }: Strained): Promise<ChaosReport> {
    const { setUp, watchers, monkey } = this;
    const sent = this.writers.flatMap((writer) => writer.sent);
    const broken = [...complaints, ...(await violations(setUp.system, watchers, sent))];
    const seconds = (performance.now() - this.startedMs) / 1_000;
    const run = { seed: this.options.seed, seconds, settledAfterMs, sent, watchers, strikes: monkey.strikes };
    return reportOf(setUp.system, { ...run, violations: broken });
  }

  private async changeAndKill(copyDirectory: string): Promise<Strained> {
    const { durationMs, signal = new AbortController().signal } = this.options;
    const [emptied, broughtBack] = ENVIRONMENTS;
    const writing = Promise.all(this.writers.map((writer) => writer.run(() => this.isWritten)));
    try {
      await this.monkey.run({ durationMs, signal, emptied, broughtBack, copyDirectory });
    } finally {
      this.isWritten = true;
      await writing;
    }
    const sinceMs = performance.now();
    const left = await settled(this.setUp.system, SETTLES_WITHIN_MS, (line) => this.say(line));
    const unsettled = left.slice(0, 1).map((one) => `not settled after ${SETTLES_WITHIN_MS / 1_000} s: ${one} …`);
    return { complaints: [...this.monkey.complaints, ...unsettled], settledAfterMs: performance.now() - sinceMs };
  }

  private say(line: string): void {
    this.options.say(`${((performance.now() - this.startedMs) / 1_000).toFixed(1).padStart(6)} s: ${line}`);
  }
}

function watchersOf({ system, proxies, tokens }: ChaosSetUp, floors: AppliedFloors, downtimes: Downtimes) {
  return ENVIRONMENTS.flatMap((environment) =>
    system.environment(environment).gateways.map((gateway) => {
      const token = tokens.get(environment) ?? '';
      return new GatewayWatcher({ gateway, environment, token }, proxies, floors, downtimes);
    }),
  );
}
