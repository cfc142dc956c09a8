import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { FleetMessage, FleetPart } from './fleet-messages.ts';

const LOADER = path.resolve(import.meta.dirname, '../bench/typescript-loader.mjs');
const PROGRAM = path.resolve(import.meta.dirname, 'fleet-process.ts');

export type FleetPlace = Omit<FleetPart, 'first' | 'gateways'>;

/** The gateways of one environment, spread over some processes. */
export class GatewayFleet {
  private constructor(
    private readonly processes: readonly ChildProcess[],
    /** Of all processes together, once every gateway had read the environment. */
    readonly residentBytes: number,
  ) {}

  static async start(place: FleetPlace, gateways: number, processCount: number): Promise<GatewayFleet> {
    const count = Math.min(processCount, gateways);
    const processes = Array.from({ length: count }, (_, index) => {
      const first = Math.floor((index * gateways) / count);
      const next = Math.floor(((index + 1) * gateways) / count);
      const part = JSON.stringify({ ...place, first, gateways: next - first } satisfies FleetPart);
      const execArgv = ['--no-warnings', '--conditions=app-src', '--import', LOADER];
      return fork(PROGRAM, [part], { execArgv });
    });
    const ready = await Promise.all(processes.map((one) => said(one, 'ready')));
    return new GatewayFleet(
      processes,
      ready.reduce((sum, { residentBytes }) => sum + residentBytes, 0),
    );
  }

  /** Milliseconds from the beginning of a publishing until each gateway has applied it, in order. */
  async applied(publish: () => Promise<unknown>): Promise<readonly number[]> {
    const all = Promise.all(this.processes.map((one) => said(one, 'applied')));
    const beganNs = process.hrtime.bigint();
    await publish();
    const times = (await all).flatMap(({ atNs }) => atNs);
    return times.map((ns) => Number(BigInt(ns) - beganNs) / 1e6).sort((one, other) => one - other);
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

async function said<Kind extends FleetMessage['kind']>(
  one: ChildProcess,
  kind: Kind,
): Promise<Extract<FleetMessage, { kind: Kind }>> {
  const ended = once(one, 'exit').then(() => {
    throw new Error(`a process with gateways ended while it was waited for: ${kind}`);
  });
  const [message] = (await Promise.race([once(one, 'message'), ended])) as [FleetMessage];
  if (message.kind !== kind) throw new Error(`waited for ${kind}, got ${message.kind}`);
  return message as Extract<FleetMessage, { kind: Kind }>;
}
