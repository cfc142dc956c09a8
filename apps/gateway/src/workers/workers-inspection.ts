import type { ConfigView } from '../admin/config-view.ts';
import type { WorkerStatus } from './worker-protocol.ts';
import type { WorkerPlace } from './worker-place.ts';
import type { WorkerSupervisor } from './worker-supervisor.ts';
import type { WorkersMetrics } from './workers-metrics.ts';

/** The admin endpoints answer within a second, also when a worker hangs. */
const ANSWER_WITHIN_MS = 800;

interface WorkerView {
  readonly worker: number;
  /** null: none is running in this place now. */
  readonly pid: number | null;
  readonly ready: boolean;
  /** Highest deployment applied; null: it does not answer. */
  readonly deployment: number | null;
}

/** That of the worker that is furthest behind, and how far each of them is. */
export interface WorkersConfigView extends ConfigView {
  readonly workers: readonly WorkerView[];
}

export const WORKERS_INSPECTION = Symbol('WORKERS_INSPECTION');

const lowest = (statuses: readonly WorkerStatus[]): number => Math.min(...statuses.map(({ deployment }) => deployment));

/** What is asked of all workers together. */
export class WorkersInspection {
  constructor(
    private readonly environment: string,
    private readonly supervisor: WorkerSupervisor,
    private readonly counted: WorkersMetrics,
  ) {}

  /** Ready when every wanted worker is; the deployment is one that all have applied. */
  async status(): Promise<WorkerStatus> {
    const { places, isStopping } = this.supervisor;
    const statuses = await Promise.all(places.map((place) => place.ask('status', ANSWER_WITHIN_MS)));
    const told = statuses.filter((status) => status !== undefined);
    const reasons = places.flatMap(({ number }, index) => reasonOf(number, statuses[index]));
    return {
      notReadyBecause: isStopping ? 'it stops' : (reasons[0] ?? null),
      deployment: told.length === 0 ? 0 : lowest(told),
    };
  }

  async config(): Promise<WorkersConfigView> {
    const asked = this.supervisor.places.map(async (place) => ({
      place,
      told: await place.ask('config', ANSWER_WITHIN_MS),
    }));
    const answers = await Promise.all(asked);
    const views = answers.flatMap(({ told }) => (told === undefined ? [] : [told.view]));
    views.sort((one, other) => one.deployment - other.deployment);
    const behind = views[0] ?? { environment: this.environment, deployment: 0, proxies: [] };
    return { ...behind, workers: answers.map(({ place, told }) => viewOf(place, told)) };
  }

  /** Prometheus text. */
  async metrics(): Promise<string> {
    const { places } = this.supervisor;
    const answered = new Set<number>();
    const collect = async (place: WorkerPlace): Promise<void> => {
      const metrics = await place.ask('metrics', ANSWER_WITHIN_MS);
      if (metrics === undefined) return;
      this.counted.told(place.number, metrics);
      answered.add(place.number);
    };
    await Promise.all(places.map(collect));
    const serving = places.filter(({ isServing }) => isServing).length;
    return this.counted.text(answered, { wanted: places.length, serving });
  }
}

function reasonOf(worker: number, told: WorkerStatus | undefined): string[] {
  if (told === undefined) return [`worker ${worker} does not answer`];
  return told.notReadyBecause === null ? [] : [`of worker ${worker}: ${told.notReadyBecause}`];
}

const viewOf = ({ number, pid }: WorkerPlace, told: WorkerStatus | undefined): WorkerView => ({
  ...{ worker: number, pid: pid ?? null },
  ...{ ready: told?.notReadyBecause === null, deployment: told?.deployment ?? null },
});
