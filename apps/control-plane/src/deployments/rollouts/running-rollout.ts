import type { DeploymentOutcome, DeploymentRow } from '../../deployment-requests/deployment-rows.ts';
import type { Queryable } from '../../persistence/secret-vault.ts';
import { standingOf, verdictOf, type Tolerance, type Verdict } from './wave-verdict.ts';

/** A rollout that goes on. */
export interface RunningRollout extends Tolerance {
  readonly rolloutId: string;
  readonly proxyId: string;
  readonly revision: number;
  readonly description: string;
  /** The wave that began last. */
  readonly wave: number;
  readonly actor: string;
  readonly requestId: string;
  readonly attemptId: string | null;
}

const SELECT = `select rollout_id as "rolloutId", proxy_id as "proxyId", revision, description, wave, actor,
    request_id as "requestId", attempt_id as "attemptId", stop_on_failure as "stopOnFailure",
    min_applied_percent as "minAppliedPercent"
  from rollouts where state = 'running'`;

export async function runningRollouts(from: Queryable): Promise<RunningRollout[]> {
  return (await from.query<RunningRollout>(`${SELECT} order by started_at`)).rows;
}

/** Held until the transaction ends; undefined as well when somebody else decides about it now. */
export async function holdRollout(transaction: Queryable, rolloutId: string): Promise<RunningRollout | undefined> {
  const held = await transaction.query<RunningRollout>(`${SELECT} and rollout_id = $1 for update skip locked`, [
    rolloutId,
  ]);
  return held.rows[0];
}

interface WaveRow {
  name: string | null;
  state: DeploymentRow['state'];
  result: DeploymentOutcome | null;
  newer_state: DeploymentRow['state'] | null;
  newer_result: DeploymentOutcome | null;
}

/**
 * What is to be done, and why where it is to stop. A deployment that was repeated under a later number (a repair, a changed
 * variable) is judged by that one; where another revision took its place, it has failed.
 */
export async function judge(
  from: Queryable,
  rollout: RunningRollout,
): Promise<{ readonly verdict: Verdict; readonly reason: string }> {
  const found = await from.query<WaveRow>(
    `select names.name, own.state, own.result, newer.state as newer_state, newer.result as newer_result
     from rollout_environments place
     join deployments own on own.environment_id = place.environment_id and own.deployment = place.deployment
     left join names on names.kind = 'environment' and names.entity_id = place.environment_id
     left join lateral (
       select state, result, kind, revision from deployments
       where environment_id = place.environment_id and proxy_id = $3 and deployment > place.deployment
       order by deployment desc limit 1
     ) newer on newer.kind = 'publish' and newer.revision = own.revision
     where place.rollout_id = $1 and place.wave = $2 and place.state = 'started' order by names.name`,
    [rollout.rolloutId, rollout.wave, rollout.proxyId],
  );
  const judged = found.rows.map((row) => {
    const newer = row.newer_state === null ? undefined : { state: row.newer_state, result: row.newer_result };
    const outcome = row.state === 'superseded' ? newer : row;
    const message = row.result?.message ?? '';
    return { name: row.name ?? 'deleted', standing: standingOf(outcome, rollout), message };
  });
  const verdict = verdictOf(
    judged.map(({ standing }) => standing),
    rollout,
  );
  const failed = judged.find(({ standing }) => standing === 'failed');
  return {
    verdict,
    reason: `wave ${rollout.wave} failed in environment ${failed?.name ?? ''}: ${failed?.message ?? ''}`,
  };
}
