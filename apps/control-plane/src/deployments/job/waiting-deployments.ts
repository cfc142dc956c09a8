import type { DeploymentRow, DeploymentRows } from '../../deployment-requests/deployment-rows.ts';

/** What another process was asked for is noticed this soon. */
const LOOK_EVERY_MS = 500;
/** Of one environment; they keep their jobs in hand, and other jobs must find room beside them. */
const MOST_WAITING = 400;

type Named = Pick<DeploymentRow, 'environmentId' | 'proxyId' | 'deployment'>;

/** A published deployment that waits for the answers of gateways. */
export class WaitingDeployment {
  private readonly stop = new AbortController();
  private newer: number | undefined;

  constructor(readonly named: Named) {}

  /** Aborted when it is not to wait any longer: it was overtaken, or others need the room. */
  get signal(): AbortSignal {
    return this.stop.signal;
  }

  /** The newer deployment of its proxy, once there is one. */
  get overtakenBy(): number | undefined {
    return this.newer;
  }

  overtake(newer: number): void {
    this.newer = newer;
    this.stop.abort();
  }

  get hasMadeRoom(): boolean {
    return this.stop.signal.aborted && this.newer === undefined;
  }

  makeRoom(): void {
    this.stop.abort();
  }
}

/**
 * Who waits in this process for answers of gateways. They are told when a newer deployment of their proxy comes: by its
 * job where that runs here, else by a look at the rows of all of them together.
 */
export class WaitingDeployments {
  /** In the order in which they began to wait. */
  private readonly waiting = new Set<WaitingDeployment>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly rows: Pick<DeploymentRows, 'overtaken'>) {}

  get count(): number {
    return this.waiting.size;
  }

  async during<Value>(named: Named, work: (waiting: WaitingDeployment) => Promise<Value>): Promise<Value> {
    const one = new WaitingDeployment(named);
    this.makeRoomIn(named.environmentId);
    this.waiting.add(one);
    this.timer ??= setTimeout(() => void this.look(), LOOK_EVERY_MS);
    try {
      return await work(one);
    } finally {
      this.waiting.delete(one);
      if (this.waiting.size === 0) {
        clearTimeout(this.timer);
        this.timer = undefined;
      }
    }
  }

  /** A deployment of a proxy begins: earlier ones are not waited for any longer. */
  begins({ environmentId, proxyId, deployment }: Named): void {
    for (const one of this.waiting) {
      const isOfProxy = one.named.environmentId === environmentId && one.named.proxyId === proxyId;
      if (isOfProxy && one.named.deployment < deployment) one.overtake(deployment);
    }
  }

  /** The one that has waited longest gives up its place and comes again: what is published at all counts for more. */
  private makeRoomIn(environmentId: string): void {
    const there = [...this.waiting].filter(({ named }) => named.environmentId === environmentId);
    if (there.length >= MOST_WAITING) there.find(({ signal }) => !signal.aborted)?.makeRoom();
  }

  private async look(): Promise<void> {
    try {
      const asked = [...this.waiting];
      const found = await this.rows.overtaken(asked.map(({ named }) => named));
      const newer = new Map(found.map((one) => [`${one.environmentId}/${one.deployment}`, one.newestDeployment]));
      for (const one of asked) {
        const by = newer.get(`${one.named.environmentId}/${one.named.deployment}`);
        if (by !== undefined) one.overtake(by);
      }
    } catch {
      // Without the database nothing can be ended either: who waits finds out, or the next look.
    }
    this.timer = this.waiting.size === 0 ? undefined : setTimeout(() => void this.look(), LOOK_EVERY_MS);
  }
}
