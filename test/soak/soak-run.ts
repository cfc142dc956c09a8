import http from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { type RunningGateway } from '../support/gatewarden-system.ts';
import { until } from '../support/until.ts';
import { heldBy } from './resources.ts';
import { reportOf, type SoakCounts, type SoakReport } from './soak-report.ts';
import { changeConfiguration, ENVIRONMENT, startSoakSystem, type SoakGround } from './soak-system.ts';
import { TRAFFIC_KINDS } from './traffic-kinds.ts';

export interface SoakOptions {
  /** How long there is traffic. */
  readonly durationMs: number;
  readonly say: (line: string) => void;
  /** Ends the traffic before its time; what was done until then is judged all the same. */
  readonly signal?: AbortSignal;
}

/** Of each kind, at each gateway. */
const CLIENTS_OF_A_KIND = 1;
const BETWEEN_CHANGES_MS = 1_000;
const BETWEEN_LOOKS_MS = 1_000;
/** Between two things that one client does, so that the clients themselves do not need all of the machine. */
const BETWEEN_VISITS_MS = 5;
const COMPLAINTS_TOLD = 20;
/** What a gateway keeps open when nobody asks anything: connections to upstreams that wait to be used again, its own ones. */
const MOST_DESCRIPTORS_AFTERWARDS = 40;
const CALMS_WITHIN_MS = 30_000;

/** Mixed traffic through two gateways whose configuration changes all the time; says what was not as it has to be. */
export async function runSoak(options: SoakOptions): Promise<SoakReport> {
  options.say('starting a control plane and two gateways');
  const ground = await startSoakSystem();
  try {
    const run = new SoakRun(ground, options);
    return reportOf(await run.counts(), options.durationMs);
  } finally {
    await ground.system.stop();
    await ground.upstream.close();
  }
}

class SoakRun {
  private readonly found: SoakCounts = {
    ...{ visits: new Map(), complaints: [], complaintCount: 0, changes: 0, held: new Map(), calmAfterwards: new Map() },
  };
  private isOver = false;

  constructor(
    private readonly ground: SoakGround,
    private readonly options: SoakOptions,
  ) {}

  async counts(): Promise<SoakCounts> {
    const { signal, durationMs, say } = this.options;
    const { gateways } = this.ground.system.environment(ENVIRONMENT);
    const idle = new Map(gateways.map((gateway) => [gateway.id, heldBy(gateway.program.pid).descriptors]));
    const clients = gateways.flatMap((gateway) =>
      Object.keys(TRAFFIC_KINDS).flatMap((kind) =>
        Array.from({ length: CLIENTS_OF_A_KIND }, () => this.client(gateway, kind)),
      ),
    );
    const working = Promise.all([...clients, this.change(), this.look(gateways)]);
    say(`traffic of ${Object.keys(TRAFFIC_KINDS).length} kinds for ${(durationMs / 1_000).toFixed(0)} s`);
    await pause(durationMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
    this.isOver = true;
    await working;
    for (const gateway of gateways) await this.calms(gateway, idle.get(gateway.id) ?? 0);
    return this.found;
  }

  private async client(gateway: RunningGateway, kind: string): Promise<void> {
    const kept = new http.Agent({ keepAlive: true, maxSockets: 1 });
    for (let turn = 0; !this.isOver; turn += 1) {
      try {
        await TRAFFIC_KINDS[kind]?.({ ground: this.ground, gatewayUrl: gateway.url, kept, turn });
      } catch (error) {
        this.complain(`${gateway.id}: ${kind}: ${error instanceof Error ? error.message : String(error)}`);
      }
      this.found.visits.set(kind, (this.found.visits.get(kind) ?? 0) + 1);
      await pause(BETWEEN_VISITS_MS);
    }
    kept.destroy();
  }

  private async change(): Promise<void> {
    for (let number = 1; !this.isOver; number += 1) {
      const next = pause(BETWEEN_CHANGES_MS);
      await changeConfiguration(this.ground.system, number).then(
        () => (this.found.changes += 1),
        (error: Error) => this.complain(`change ${number}: ${error.message}`),
      );
      await next;
    }
  }

  private async look(gateways: readonly RunningGateway[]): Promise<void> {
    while (!this.isOver) {
      for (const { id, program } of gateways) {
        const looks = this.found.held.get(id) ?? [];
        looks.push(heldBy(program.pid));
        this.found.held.set(id, looks);
      }
      await pause(BETWEEN_LOOKS_MS);
    }
  }

  /** Whatever clients and upstreams had of it is given back when they are gone. */
  private async calms({ id, program }: RunningGateway, idle: number): Promise<void> {
    const most = idle + MOST_DESCRIPTORS_AFTERWARDS;
    const isCalm = async (): Promise<boolean> => heldBy(program.pid).descriptors <= most;
    await until(`${id} has at most ${most} descriptors`, isCalm, CALMS_WITHIN_MS).catch((error: Error) =>
      this.complain(error.message),
    );
    this.found.calmAfterwards.set(id, heldBy(program.pid).descriptors);
  }

  private complain(what: string): void {
    this.found.complaintCount += 1;
    if (this.found.complaints.length < COMPLAINTS_TOLD) {
      this.found.complaints.push(`${new Date().toISOString()} ${what}`);
    }
  }
}
