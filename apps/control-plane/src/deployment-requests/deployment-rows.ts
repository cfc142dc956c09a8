import { Inject, Injectable } from '@nestjs/common';
import type pg from 'pg';
import { DATABASE } from '../injection-tokens.ts';

/** What became of a deployment, as far as is known. */
export interface DeploymentOutcome {
  readonly message: string;
  readonly hash?: string;
  readonly gateways: {
    readonly live: number;
    readonly applied: number;
    readonly rejected: number;
    readonly pending: number;
  };
  readonly detailList: readonly {
    readonly gatewayId: string;
    readonly success: boolean;
    readonly detail: string;
    /** Milliseconds; null while there is no answer. */
    readonly responseTime: number | null;
  }[];
}

export interface DeploymentRow {
  readonly environmentId: string;
  readonly deployment: number;
  readonly proxyId: string;
  readonly kind: 'publish' | 'undeploy';
  readonly revision: number;
  readonly state: 'pending' | 'succeeded' | 'failed' | 'superseded';
  readonly result: DeploymentOutcome | null;
}

/** A row of `deployments` as `pg` hands it over. */
export interface StoredRow {
  environment_id: string;
  deployment: string;
  proxy_id: string;
  kind: DeploymentRow['kind'];
  revision: number;
  state: DeploymentRow['state'];
  result: DeploymentOutcome | null;
}

export const rowOf = (row: StoredRow): DeploymentRow => ({
  environmentId: row.environment_id,
  deployment: Number(row.deployment),
  proxyId: row.proxy_id,
  kind: row.kind,
  revision: row.revision,
  state: row.state,
  result: row.result,
});
export const COLUMNS = 'environment_id, deployment, proxy_id, kind, revision, state, result';

/** A job that was lost with its queue is made again after this long. */
const MADE_AGAIN_AFTER_SECONDS = 10;

/** Wishes of one environment that are given out at once. */
const SHARE_OF_ENVIRONMENT = 100;

/** The wishes to deploy and what became of them. */
@Injectable()
export class DeploymentRows {
  constructor(@Inject(DATABASE) private readonly database: pg.Pool) {}

  async find(environmentId: string, deployment: number): Promise<DeploymentRow | undefined> {
    const found = await this.database.query<StoredRow>(
      `select ${COLUMNS} from deployments where environment_id = $1 and deployment = $2`,
      [environmentId, deployment],
    );
    return found.rows[0] && rowOf(found.rows[0]);
  }

  /** The newest wish for a proxy in an environment. */
  async newestOf(environmentId: string, proxyId: string): Promise<DeploymentRow | undefined> {
    const found = await this.database.query<StoredRow>(
      `select ${COLUMNS} from deployments where environment_id = $1 and proxy_id = $2 order by deployment desc limit 1`,
      [environmentId, proxyId],
    );
    return found.rows[0] && rowOf(found.rows[0]);
  }

  /**
   * Open wishes without a job, and those whose job may have been lost with the queue. Environments take turns and new
   * wishes come first, so that one that cannot be reached, with all that waits there, holds up no other.
   */
  async withoutJob(limit: number): Promise<{ environmentId: string; deployment: number }[]> {
    const found = await this.database.query<{ environment_id: string; deployment: string }>(
      `select environment_id, deployment from (
         select environment_id, deployment, enqueued_at,
           row_number() over (partition by environment_id order by enqueued_at nulls first, deployment) as turn
         from deployments
         where state = 'pending' and (enqueued_at is null or enqueued_at < now() - make_interval(secs => $2))
       ) open
       where turn <= $3
       order by (enqueued_at is null) desc, turn, enqueued_at, environment_id limit $1`,
      [limit, MADE_AGAIN_AFTER_SECONDS, SHARE_OF_ENVIRONMENT],
    );
    return found.rows.map((row) => ({ environmentId: row.environment_id, deployment: Number(row.deployment) }));
  }

  async noteEnqueued(wishes: readonly { environmentId: string; deployment: number }[]): Promise<void> {
    await this.database.query(
      `update deployments set enqueued_at = now() where (environment_id, deployment) in
       (select * from unnest($1::text[], $2::bigint[]))`,
      [wishes.map(({ environmentId }) => environmentId), wishes.map(({ deployment }) => deployment)],
    );
  }

  /** How far it is, while it goes on. */
  async noteProgress(environmentId: string, deployment: number, result: DeploymentOutcome): Promise<void> {
    await this.database.query(
      `update deployments set result = $3 where environment_id = $1 and deployment = $2 and state = 'pending'`,
      [environmentId, deployment, JSON.stringify(result)],
    );
  }
}
