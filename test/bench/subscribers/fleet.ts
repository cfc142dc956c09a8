import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { FleetMessage, FleetPart } from './fleet-messages.ts';

const LOADER = path.resolve(import.meta.dirname, '../typescript-loader.mjs');
const PROGRAM = path.resolve(import.meta.dirname, 'fleet-process.ts');

/** The subscribers of one environment, spread over some processes. */
export class Fleet {
  private constructor(private readonly processes: readonly ChildProcess[]) {}

  static async start(part: Omit<FleetPart, 'subscribers'>, subscribers: number, processes: number): Promise<Fleet> {
    const content = JSON.stringify({ ...part, subscribers: subscribers / processes } satisfies FleetPart);
    const execArgv = [...process.execArgv, '--no-warnings', '--import', LOADER];
    const fleet = new Fleet(Array.from({ length: processes }, () => fork(PROGRAM, [content], { execArgv })));
    await Promise.all(fleet.processes.map((one) => said(one, 'ready')));
    return fleet;
  }

  /** Milliseconds from the beginning of an announcement until the last subscriber was told. */
  async told(announce: () => Promise<unknown>): Promise<number> {
    const all = Promise.all(this.processes.map((one) => said(one, 'told')));
    const beganAtNs = process.hrtime.bigint();
    await announce();
    const lastNs = (await all).map((message) => (message.kind === 'told' ? BigInt(message.lastAtNs) : 0n));
    return Number(lastNs.reduce((latest, one) => (one > latest ? one : latest)) - beganAtNs) / 1e6;
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.processes.map((one) => {
        const exited = once(one, 'exit');
        one.disconnect();
        return exited;
      }),
    );
  }
}

async function said(one: ChildProcess, kind: FleetMessage['kind']): Promise<FleetMessage> {
  const ended = once(one, 'exit').then(() => {
    throw new Error(`a process with subscribers ended while it was waited for: ${kind}`);
  });
  const [message] = (await Promise.race([once(one, 'message'), ended])) as [FleetMessage];
  if (message.kind !== kind) throw new Error(`waited for ${kind}, got ${message.kind}`);
  return message;
}
