import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import os from 'node:os';

/** The core of the system under test, and the one of everything else: load, upstream, Redis and this program. */
export interface Cores {
  readonly tested: number;
  readonly load: number;
}

/** The first two that this process may use. @throws Error when there is only one */
export function twoCores(): Cores {
  const status = readFileSync('/proc/self/status', 'utf8');
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? '';
  const [tested, load] = list.split(',').flatMap(rangeOf);
  if (tested === undefined || load === undefined) throw new Error(`two cores are needed, there is: ${list}`);
  return { tested, load };
}

function rangeOf(text: string): number[] {
  const [first = 0, last = first] = text.split('-').map(Number);
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** Keeps this process, all its threads and whatever it starts from now on, to one core. */
export function moveSelfTo(core: number, taskset: string): void {
  const moved = spawnSync(taskset, ['-acp', String(core), String(process.pid)]);
  if (moved.status !== 0) throw new Error(`taskset: ${moved.stderr.toString()}`);
}

/** Milliseconds that a core has not been idle since the machine started, whatever it did. Counts 10 ms at a time. */
export function coreBusyMs(core: number): number {
  const line =
    readFileSync('/proc/stat', 'utf8')
      .split('\n')
      .find((text) => text.startsWith(`cpu${core} `)) ?? '';
  // user nice system idle iowait irq softirq steal (proc(5)): waiting for a disk is idle; guest time is within user
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line.split(/ +/).slice(1).map(Number);
  return (user + nice + system + irq + softirq + steal) * MS_PER_TICK;
}

/** USER_HZ of every Linux that Node runs on. */
export const MS_PER_TICK = 10;

/** One line on the machine, for below the table. */
export function machineFacts(): string {
  const [cpu] = os.cpus();
  const memory = `${(os.totalmem() / 2 ** 30).toFixed(0)} GiB`;
  return `${os.cpus().length} × ${cpu?.model.trim()}, ${memory}, Linux ${os.release()}, Node ${process.version}`;
}
