import http from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { type RunningGateway } from '../support/gatewarden-system.ts';
import { type AppliedFloors } from './applied-floors.ts';
import { QUIET } from './chaos-system.ts';
import { type Downtimes } from './downtimes.ts';
import { ask, type Asked } from './http-ask.ts';
import { SightingLog } from './served-order.ts';

const BETWEEN_LOOKS_MS = 20;
const BETWEEN_REQUESTS_MS = 10;
/** Of a kind; the rest is counted. */
const FAILURES_TOLD = 20;

export interface WatchedGateway {
  readonly gateway: RunningGateway;
  readonly environment: string;
  /** For the proxy that nobody touches. */
  readonly token: string;
}

interface ServedProxy {
  readonly name: string;
  readonly deployment: number;
}

/** Asks one gateway all the time, and remembers what it did. */
export class GatewayWatcher {
  readonly sightings = new Map<string, SightingLog>();
  readonly failures: string[] = [];
  failureCount = 0;
  /** Of requests to the proxy that nobody touches, those that count. */
  quietRequests = 0;
  /** Of requests to proxies that are changed. */
  requests = 0;

  constructor(
    readonly watched: WatchedGateway,
    private readonly proxies: readonly string[],
    private readonly floors: AppliedFloors,
    private readonly downtimes: Downtimes,
  ) {
    for (const proxy of proxies) this.sightings.set(proxy, new SightingLog());
  }

  async run(isOver: () => boolean): Promise<void> {
    const kept = new http.Agent({ keepAlive: true, maxSockets: 1 });
    await Promise.all([this.look(isOver), this.askQuiet(isOver, kept), this.askQuiet(isOver, false)]);
    kept.destroy();
  }

  private async askQuiet(isOver: () => boolean, agent: http.Agent | false): Promise<void> {
    const { gateway, token } = this.watched;
    const how = agent === false ? 'a fresh connection' : 'a kept connection';
    while (!isOver()) {
      const asked = await ask(`${gateway.url}/${QUIET}/1`, agent, token);
      if (!this.isExcused(asked)) {
        this.quietRequests += 1;
        if (asked.status !== 200) this.fail(asked, `${QUIET} over ${how}`);
      }
      await pause(BETWEEN_REQUESTS_MS);
    }
  }

  private async look(isOver: () => boolean): Promise<void> {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    while (!isOver()) {
      await this.lookAtConfig(agent);
      for (const proxy of this.proxies) await this.lookAtProxy(proxy, agent);
      await pause(BETWEEN_LOOKS_MS);
    }
    agent.destroy();
  }

  private async lookAtConfig(agent: http.Agent): Promise<void> {
    const floors = this.proxies.map((proxy) => this.floorOf(proxy));
    const asked = await ask(`${this.watched.gateway.adminUrl}/config`, agent);
    if (asked.status !== 200) return;
    // Before it has one at all, it serves nothing.
    const { proxies } = JSON.parse(asked.body) as { proxies: ServedProxy[] };
    if (!proxies.some(({ name }) => name === QUIET) && this.isExcused(asked)) return;
    this.proxies.forEach((proxy, index) => {
      const deployment = proxies.find(({ name }) => name === proxy)?.deployment ?? null;
      this.sightings.get(proxy)?.note({ kind: 'config', deployment, floor: floors[index] ?? 0 });
    });
  }

  private async lookAtProxy(proxy: string, agent: http.Agent): Promise<void> {
    const floor = this.floorOf(proxy);
    const asked = await ask(`${this.watched.gateway.url}/${proxy}/1`, agent);
    const marker = markerIn(asked);
    if (this.isExcused(asked)) return;
    this.requests += 1;
    if (marker === undefined) this.fail(asked, proxy);
    else this.sightings.get(proxy)?.note({ kind: 'answer', marker, floor });
  }

  private floorOf(proxy: string): number {
    return this.floors.of(this.watched.gateway.id, proxy);
  }

  /** While it was killed. What was served just before and after that is looked at again soon enough. */
  private isExcused({ fromMs, untilMs }: Asked): boolean {
    return this.downtimes.touch(this.watched.gateway.id, fromMs, untilMs);
  }

  private fail(asked: Asked, what: string): void {
    this.failureCount += 1;
    if (this.failures.length >= FAILURES_TOLD) return;
    const { status, failure, body, fromMs, untilMs } = asked;
    const answer = failure ?? `${status} ${body.slice(0, 200)}`;
    const when = `${new Date().toISOString()}, after ${Math.round(untilMs - fromMs)} ms`;
    this.failures.push(`${this.watched.gateway.id}: ${what}: ${answer} (${when})`);
  }
}

/** What an answer shows of the change it is of; undefined: it is none that a proxy gives. */
function markerIn({ status, body }: Asked): string | null | undefined {
  if (status === 200) return body.startsWith('{') ? 'upstream' : body;
  return status === 404 && body.includes('ERR-002') ? null : undefined;
}
