import { Inject, Injectable } from '@nestjs/common';
import type pg from 'pg';
import { DATABASE } from '../injection-tokens.ts';

/** Something that a gateway lacks although it applied a deployment: a key set by address that is not there (yet). */
export interface GatewayWarning {
  readonly gatewayId: string;
  /** Origin and path. */
  readonly address: string;
  readonly state: 'fetching' | 'failed';
  /** Of a failed fetch: `http-status 503`; null while it is being fetched. */
  readonly reason: string | null;
}

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
  /** Not there in rows of earlier builds, nor where nothing was published. */
  readonly warnings?: readonly GatewayWarning[];
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

/** A deployment that has not ended, with what is to be known before it is carried out. */
export interface OpenDeployment {
  readonly row: DeploymentRow;
  /** The newest wish for its proxy; its own number where there is none newer. */
  readonly newestDeployment: number;
  /** The newest earlier deployment that published the proxy and that every gateway applied. */
  readonly lastGood: { readonly deployment: number; readonly revision: number; readonly hash: string } | undefined;
}

type OpenRow = StoredRow & {
  newest_deployment: string | null;
  good_deployment: string | null;
  good_revision: number | null;
  good_hash: string | null;
};

const OPEN = {
  name: 'open_deployment_1',
  text: `select own.environment_id, own.deployment, own.proxy_id, own.kind, own.revision, own.state, own.result,
      newest.deployment as newest_deployment, good.deployment as good_deployment, good.revision as good_revision,
      good.result ->> 'hash' as good_hash
    from deployments own
    left join newest_deployments newest on (newest.environment_id, newest.proxy_id) = (own.environment_id, own.proxy_id)
    left join lateral (
      select deployment, revision, result from deployments earlier
      where earlier.proxy_id = own.proxy_id and earlier.environment_id = own.environment_id
        and earlier.deployment < own.deployment
        and earlier.kind = 'publish' and earlier.state = 'succeeded' and earlier.result ? 'hash'
      order by earlier.deployment desc limit 1
    ) good on own.kind = 'publish'
    where own.environment_id = $1 and own.deployment = $2 and own.state = 'pending'`,
};

function lastGoodOf(row: OpenRow): OpenDeployment['lastGood'] {
  const { good_deployment: deployment, good_revision: revision, good_hash: hash } = row;
  if (deployment === null || revision === null || hash === null) return undefined;
  return { deployment: Number(deployment), revision, hash };
}

/** Names a deployment. */
export type DeploymentKey = Pick<DeploymentRow, 'environmentId' | 'deployment'>;

/** Joins open wishes with the newest ones of their proxies. */
const NEWEST = `newest_deployments newest
  on (newest.environment_id, newest.proxy_id) = (wish.environment_id, wish.proxy_id)`;

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

  /** One that has not ended. */
  async open(environmentId: string, deployment: number): Promise<OpenDeployment | undefined> {
    const [row] = (await this.database.query<OpenRow>(OPEN, [environmentId, deployment])).rows;
    if (row === undefined) return undefined;
    return {
      row: rowOf(row),
      newestDeployment: Number(row.newest_deployment ?? row.deployment),
      lastGood: lastGoodOf(row),
    };
  }

  /** Several of one environment; those that are not there are left out. */
  async findAll(environmentId: string, deployments: readonly number[]): Promise<DeploymentRow[]> {
    const found = await this.database.query<StoredRow>(
      `select ${COLUMNS} from deployments where environment_id = $1 and deployment = any($2)`,
      [environmentId, deployments],
    );
    return found.rows.map(rowOf);
  }

  /** Which of these are not the newest of their proxies any more, and which are. */
  async overtaken(
    deployments: readonly Pick<DeploymentRow, 'environmentId' | 'proxyId' | 'deployment'>[],
  ): Promise<(DeploymentKey & { readonly newestDeployment: number })[]> {
    const found = await this.database.query<{ environmentId: string; deployment: number; newestDeployment: number }>(
      `select wish.environment_id as "environmentId", wish.deployment::float8 as deployment,
         newest.deployment::float8 as "newestDeployment"
       from unnest($1::text[], $2::text[], $3::bigint[]) wish(environment_id, proxy_id, deployment)
       join ${NEWEST} and newest.deployment > wish.deployment`,
      [
        deployments.map(({ environmentId }) => environmentId),
        deployments.map(({ proxyId }) => proxyId),
        deployments.map(({ deployment }) => deployment),
      ],
    );
    return found.rows;
  }

  /** Environments with open wishes that a newer one of the same proxy has overtaken. */
  async environmentsWithOvertaken(): Promise<string[]> {
    const found = await this.database.query<{ environment_id: string }>(
      `select distinct wish.environment_id from deployments wish
       join ${NEWEST} and newest.deployment > wish.deployment where wish.state = 'pending'`,
    );
    return found.rows.map((row) => row.environment_id);
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
  async withoutJob(limit: number): Promise<DeploymentKey[]> {
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

  async noteEnqueued(wishes: readonly DeploymentKey[]): Promise<void> {
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
