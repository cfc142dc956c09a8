import { setTimeout as pause } from 'node:timers/promises';
import { type RunningGateway } from '../support/gatewarden-system.ts';
import { until } from '../support/until.ts';
import { HeapProbe } from './heap-probe.ts';
import { heldBy, type Resource } from './resources.ts';
import { clientsAt, visitOnce, type SoakClient } from './soak-clients.ts';
import { reportOf, type SoakCounts, type SoakReport } from './soak-report.ts';
import { changeConfiguration, changeReachesAll, ENVIRONMENT, startSoakSystem, type SoakGround } from './soak-system.ts';
import { expectMarker } from './traffic-kinds.ts';

export interface SoakOptions {
  /** How long there is traffic. */
  readonly durationMs: number;
  readonly say: (line: string) => void;
  /** Ends the traffic before its time; what was done until then is judged all the same. */
  readonly signal?: AbortSignal;
}

const BETWEEN_CHANGES_MS = 1_000;
const BETWEEN_LOOKS_MS = 1_000;
/** Collecting garbage stops a gateway for a moment. The short form has to see enough of it, the long one few stops. */
const HEAP_LOOKS = { leastMs: 3_000, mostMs: 10_000, shareOfRun: 1 / 20 } as const;
/** Between two things that one client does, so that the clients themselves do not need all of the machine. */
const BETWEEN_VISITS_MS = 20;
const COMPLAINTS_TOLD = 20;
/** What a gateway may keep when nobody is connected to it: what it opens when it is first needed. */
const MOST_DESCRIPTORS_AFTERWARDS = 5;
const CALMS_WITHIN_MS = 30_000;

/** Mixed traffic through two gateways whose configuration changes all the time; says what was not as it has to be. */
export async function runSoak(options: SoakOptions): Promise<SoakReport> {
  options.say('starting a control plane and two gateways');
  const ground = await startSoakSystem();
  try {
    return reportOf(await new SoakRun(ground, options).counts());
  } finally {
    await ground.stop();
  }
}

class SoakRun {
  private readonly found: SoakCounts = {
    ...{ lastedMs: 0, visits: new Map(), complaints: [], complaintCount: 0, changes: 0 },
    ...{ held: new Map(), calmAfterwards: new Map() },
  };
  private readonly ending = new AbortController();

  constructor(
    private readonly ground: SoakGround,
    private readonly options: SoakOptions,
  ) {}

  async counts(): Promise<SoakCounts> {
    const { gateways } = this.ground.system.environment(ENVIRONMENT);
    const idle = new Map(gateways.map((gateway) => [gateway.id, heldBy(gateway.program.pid).descriptors]));
    await this.traffic(gateways);
    this.ground.upstream.closeIdleConnections();
    for (const gateway of gateways) await this.calms(gateway, idle.get(gateway.id) ?? 0);
    for (const complaint of this.ground.upstream.complaints) this.complain(`upstream: ${complaint}`);
    for (const { id, program } of gateways) this.readLog(id, program.output);
    return this.found;
  }

  private get isOver(): boolean {
    return this.ending.signal.aborted;
  }

  private async traffic(gateways: readonly RunningGateway[]): Promise<void> {
    const { signal, durationMs, say } = this.options;
    const clients = gateways.flatMap((gateway) => clientsAt(gateway, this.ground.trusted));
    const startedMs = performance.now();
    const looks = gateways.flatMap((gateway) => [this.look(gateway), this.lookIntoHeap(gateway)]);
    const working = Promise.all([...clients.map((client) => this.visits(client)), this.change(), ...looks]);
    say(`traffic of ${clients.length} clients for ${(durationMs / 1_000).toFixed(0)} s`);
    await this.paused(durationMs, signal);
    this.ending.abort();
    this.found.lastedMs = performance.now() - startedMs;
    await working;
    await this.tried('the last change', () => this.lastChange(clients));
    for (const { connection } of clients) connection.close();
  }

  /** @returns at once when the signal comes */
  private async paused(forMs: number, signal: AbortSignal | undefined): Promise<void> {
    await pause(forMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  }

  private async visits(client: SoakClient): Promise<void> {
    const { gatewayId, name } = client;
    for (let turn = 0; !this.isOver; turn += 1) {
      await this.tried(`${gatewayId}: ${name}`, () => visitOnce(this.ground, client, turn));
      this.found.visits.set(name, (this.found.visits.get(name) ?? 0) + 1);
      await pause(BETWEEN_VISITS_MS);
    }
  }

  private async change(): Promise<void> {
    for (let number = 1; !this.isOver; number += 1) {
      const next = pause(BETWEEN_CHANGES_MS);
      await this.tried(`change ${number}`, async () => {
        await changeConfiguration(this.ground, number);
        this.found.changes += 1;
      });
      await next;
    }
  }

  /** Whatever was in the way of one: in the end the newest configuration is everywhere. */
  private async lastChange(clients: readonly SoakClient[]): Promise<void> {
    let number = this.ground.markers.asked;
    await until('both gateways have it', () => changeReachesAll(this.ground, ++number), CALMS_WITHIN_MS);
    for (const client of clients.filter(({ kind }) => kind === expectMarker)) await visitOnce(this.ground, client, 0);
  }

  private async look({ id, program }: RunningGateway): Promise<void> {
    while (!this.isOver) {
      await this.tried(`${id}: looking at the process`, async () => this.note(id, heldBy(program.pid)));
      await this.paused(BETWEEN_LOOKS_MS, this.ending.signal);
    }
  }

  private async lookIntoHeap({ id, program }: RunningGateway): Promise<void> {
    const { leastMs, mostMs, shareOfRun } = HEAP_LOOKS;
    const betweenMs = Math.min(mostMs, Math.max(leastMs, this.options.durationMs * shareOfRun));
    await this.tried(`${id}: looking into the heap`, async () => {
      const probe = await HeapProbe.attach(program);
      try {
        while (!this.isOver) {
          await this.paused(betweenMs, this.ending.signal);
          this.note(id, await probe.heldAfterCollecting());
        }
      } finally {
        probe.close();
      }
    });
  }

  private note(id: string, values: Readonly<Partial<Record<Resource, number>>>): void {
    const held = this.found.held.get(id) ?? new Map();
    this.found.held.set(id, held);
    for (const [resource, value] of Object.entries(values) as [Resource, number][]) {
      const samples = held.get(resource) ?? [];
      samples.push({ atMs: performance.now(), value });
      held.set(resource, samples);
    }
  }

  /** Whatever clients and upstreams had of it is given back when they are gone. */
  private async calms({ id, program }: RunningGateway, idle: number): Promise<void> {
    const most = idle + MOST_DESCRIPTORS_AFTERWARDS;
    const isCalm = async (): Promise<boolean> => heldBy(program.pid).descriptors <= most;
    await this.tried(id, async () => {
      await until(`it has at most ${most} descriptors`, isCalm, CALMS_WITHIN_MS);
    });
    await this.tried(id, async () => this.found.calmAfterwards.set(id, heldBy(program.pid).descriptors));
  }

  /** Nothing that clients, upstreams or changes do here is an error of the gateway. */
  private readLog(id: string, output: string): void {
    for (const line of output.split('\n')) {
      if (/"level":"(error|fatal)"/.test(line)) this.complain(`${id} logged: ${line.slice(0, 500)}`);
    }
  }

  private async tried(what: string, attempt: () => Promise<unknown>): Promise<void> {
    try {
      await attempt();
    } catch (error) {
      this.complain(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  private complain(what: string): void {
    this.found.complaintCount += 1;
    if (this.found.complaints.length < COMPLAINTS_TOLD) {
      this.found.complaints.push(`${new Date().toISOString()} ${what}`);
    }
  }
}
