import { Inject } from '@nestjs/common';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type pg from 'pg';
import { unavailable } from '../../decider/domain-error.ts';
import { DeploymentQueues, type QueueState } from '../../deployment-requests/deployment-queues.ts';
import { DeploymentRows } from '../../deployment-requests/deployment-rows.ts';
import { DATABASE } from '../../injection-tokens.ts';
import { UnitOfWork } from '../../persistence/unit-of-work.ts';
import { proxyTitles, type ProxyTitle } from '../../persistence/proxy-titles.ts';

/** `GET /apiops/environments/{env}/queue/` */
export interface QueueView {
  readonly counts: QueueState['counts'];
  /** Recorded wishes that have not ended, with a job or without: what is deployed in the end. */
  readonly pendingDeployments: number;
  readonly jobs: readonly (ProxyTitle & {
    readonly deployment: number;
    readonly revision: number | null;
    readonly kind: 'publish' | 'undeploy' | null;
    readonly state: string;
    readonly attempts: number;
    /** Why it is not done yet; null: it was not tried yet. */
    readonly lastReason: string | null;
  })[];
}

export class GetQueue extends Query<QueueView> {
  constructor(readonly environmentName: string) {
    super();
  }
}

@QueryHandler(GetQueue)
export class GetQueueHandler implements IQueryHandler<GetQueue> {
  constructor(
    private readonly units: UnitOfWork,
    private readonly queues: DeploymentQueues,
    private readonly rows: DeploymentRows,
    @Inject(DATABASE) private readonly database: pg.Pool,
  ) {}

  async execute({ environmentName }: GetQueue): Promise<QueueView> {
    const environmentId = await this.units.read((unit) => unit.names.resolve('environment', '', environmentName));
    const { counts, jobs } = await this.stateOf(environmentId);
    const numbers = jobs.map(({ deployment }) => deployment);
    const rows = new Map((await this.rows.findAll(environmentId, numbers)).map((row) => [row.deployment, row]));
    const titles = await proxyTitles(
      this.database,
      [...rows.values()].map((row) => row.proxyId),
    );
    return {
      counts,
      pendingDeployments: await this.pendingIn(environmentId),
      jobs: jobs.map(({ deployment, state, attempts, reason }) => {
        const row = rows.get(deployment);
        const lastReason = row?.result?.message ?? reason;
        const { revision = null, kind = null } = row ?? {};
        return { deployment, ...titles(row?.proxyId ?? ''), revision, kind, state, attempts, lastReason };
      }),
    };
  }

  /** @throws DomainError UNAVAILABLE when the queue cannot be reached */
  private async stateOf(environmentId: string): Promise<QueueState> {
    try {
      return await this.queues.stateOf(environmentId);
    } catch {
      throw unavailable('the queue of deployments cannot be reached; try again');
    }
  }

  private async pendingIn(environmentId: string): Promise<number> {
    const counted = await this.database.query<{ count: string }>(
      `select count(*) from deployments where environment_id = $1 and state = 'pending'`,
      [environmentId],
    );
    return Number(counted.rows[0]?.count);
  }
}
