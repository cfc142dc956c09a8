import { randomUUID } from 'node:crypto';
import type { DeployStrategy } from '#libs/policy-contracts';
import type { Unit } from '../persistence/unit-of-work.ts';
import { projectDecider, projectStream } from '../projects/domain/project.decider.ts';
import { wavesOf } from './deploy-waves.ts';
import {
  askerOf,
  requestDeployments,
  type AwaitedDeployment,
  type DeploymentTarget,
  type RequestedDeployment,
} from './deployment-requests.ts';
import type { RolloutEvent } from './rollout-events.ts';
import { claimRoutes, type ClaimedRoute } from './route-claims.ts';

/** A proxy's revision on its way to environments. */
export interface RevisionToDeploy {
  readonly proxyId: string;
  readonly projectId: string;
  readonly revision: number;
  readonly route: ClaimedRoute;
  readonly description: string;
}

interface NewRollout {
  readonly rolloutId: string;
  readonly waves: readonly (readonly DeploymentTarget[])[];
  readonly strategy: DeployStrategy;
}

const rolloutStream = (rolloutId: string): string => `rollout-${rolloutId}`;

export const appendToRollout = (unit: Unit, event: RolloutEvent): Promise<void> =>
  unit.append(rolloutStream(event.data.rolloutId), 'any', [event]);

// Named: planned once on each connection.
const HOLD_RUNNING = {
  name: 'rollouts_hold_running_1',
  text: `select rollout_id from rollouts where proxy_id = $1 and state = 'running' order by rollout_id for update`,
};

/** Rollouts of a proxy that go on, held until the transaction ends: nobody begins a wave of them meanwhile. */
async function holdRunning(unit: Unit, proxyId: string): Promise<string[]> {
  const held = await unit.transaction.query<{ rollout_id: string }>(HOLD_RUNNING, [proxyId]);
  return held.rows.map((row) => row.rollout_id);
}

/**
 * A change of a proxy goes to environments: what still waits to be deployed there is overtaken. Comes before routes are
 * claimed and numbers taken, as everything that holds a rollout does.
 */
export async function overtakeWaves(unit: Unit, proxyId: string, targets: readonly DeploymentTarget[]): Promise<void> {
  const ids = targets.map(({ environmentId }) => environmentId);
  for (const rolloutId of await holdRunning(unit, proxyId)) {
    const overtaken = await unit.transaction.query<{ environment_id: string }>(
      `update rollout_environments set state = 'superseded', message = 'a newer change goes there'
       where rollout_id = $1 and state = 'waiting' and environment_id = any($2) returning environment_id`,
      [rolloutId, ids],
    );
    const environmentIds = overtaken.rows.map((row) => row.environment_id);
    if (environmentIds.length === 0) continue;
    await appendToRollout(unit, { type: 'RolloutOvertaken', schemaVersion: 1, data: { rolloutId, environmentIds } });
  }
}

/** Whether an environment waits for its wave of a proxy's rollout. */
export async function waitsForWave(unit: Unit, proxyId: string, environmentId: string): Promise<boolean> {
  const waiting = await unit.transaction.query(
    `select 1 from rollouts join rollout_environments using (rollout_id)
     where proxy_id = $1 and environment_id = $2 and rollouts.state = 'running' and rollout_environments.state = 'waiting'`,
    [proxyId, environmentId],
  );
  return waiting.rows.length > 0;
}

/** The proxy is deleted: no wave of it begins any more, and it keeps no route for one. */
export async function endRollouts(unit: Unit, proxyId: string): Promise<void> {
  const reason = 'the proxy was deleted';
  for (const rolloutId of await holdRunning(unit, proxyId)) await stopRollout(unit, rolloutId, reason);
  await unit.transaction.query('delete from route_claims where proxy_id = $1', [proxyId]);
}

/**
 * Cancels the waves that have not begun. The rollout is held by the caller.
 *
 * @returns the ids of the environments that it does not reach
 */
export async function stopRollout(unit: Unit, rolloutId: string, reason: string): Promise<string[]> {
  const cancelled = await unit.transaction.query<{ environment_id: string }>(
    `update rollout_environments set state = 'cancelled', message = $2
     where rollout_id = $1 and state = 'waiting' returning environment_id`,
    [rolloutId, reason],
  );
  await unit.transaction.query(
    `update rollouts set state = 'stopped', reason = $2, ended_at = $3 where rollout_id = $1`,
    [rolloutId, reason, unit.now],
  );
  const environmentIds = cancelled.rows.map((row) => row.environment_id);
  const data = { rolloutId, reason, environmentIds };
  await appendToRollout(unit, { type: 'RolloutStopped', schemaVersion: 1, data });
  return environmentIds;
}

/** Notes that environments got their numbers. */
export async function noteStarted(
  unit: Unit,
  { rolloutId, wave }: { readonly rolloutId: string; readonly wave: number },
  requested: readonly RequestedDeployment[],
): Promise<void> {
  await unit.transaction.query(
    `update rollout_environments set state = 'started', deployment = given.deployment
     from unnest($2::text[], $3::bigint[]) given(environment_id, deployment)
     where rollout_id = $1 and rollout_environments.environment_id = given.environment_id`,
    [rolloutId, requested.map((one) => one.environmentId), requested.map((one) => one.deployment)],
  );
  await unit.transaction.query('update rollouts set wave = $2 where rollout_id = $1', [rolloutId, wave]);
  const deployments = requested.map(({ environmentId, deployment }) => ({ environmentId, deployment }));
  const data = { rolloutId, wave, deployments };
  await appendToRollout(unit, { type: 'RolloutWaveStarted', schemaVersion: 1, data });
}

async function begin(unit: Unit, revisionToDeploy: RevisionToDeploy, rollout: NewRollout): Promise<void> {
  const { proxyId, revision, description } = revisionToDeploy;
  const { rolloutId, waves, strategy } = rollout;
  const { stopOnFailure, minAppliedPercent } = strategy;
  const { actor, requestId, attemptId } = askerOf(unit);
  await unit.transaction.query(
    `insert into rollouts (rollout_id, proxy_id, revision, description, actor, request_id, attempt_id, stop_on_failure,
       min_applied_percent, wave, started_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10)`,
    [
      ...[rolloutId, proxyId, revision, description, actor, requestId, attemptId],
      ...[stopOnFailure, minAppliedPercent, unit.now],
    ],
  );
  const rows = waves.flatMap((wave, index) => wave.map(({ environmentId }) => ({ environmentId, wave: index + 1 })));
  await unit.transaction.query(
    `insert into rollout_environments (rollout_id, environment_id, wave, state)
     select $1, given.environment_id, given.wave, 'waiting'
     from unnest($2::text[], $3::integer[]) given(environment_id, wave)`,
    [rolloutId, rows.map((row) => row.environmentId), rows.map((row) => row.wave)],
  );
  const ids = waves.map((wave) => wave.map(({ environmentId }) => environmentId));
  const data = { rolloutId, proxyId, revision, description, waves: ids, stopOnFailure, minAppliedPercent };
  await appendToRollout(unit, { type: 'RolloutStarted', schemaVersion: 1, data });
}

async function strategyOfProject(unit: Unit, projectId: string): Promise<DeployStrategy | null> {
  const project = await unit.peek(projectDecider, projectStream(projectId));
  return project.status === 'active' ? project.deployStrategy : null;
}

/**
 * Deploys a revision, in waves where the request or its project has a strategy: numbers are taken when a wave begins,
 * routes are claimed for all of them now. What still waits in these environments is overtaken.
 *
 * @throws DomainError CONFLICT when a route is taken or an environment was deleted meanwhile, ACCESS_DENIED
 */
export async function rollOut(
  unit: Unit,
  targets: readonly DeploymentTarget[],
  toDeploy: RevisionToDeploy,
  ownStrategy?: DeployStrategy,
): Promise<AwaitedDeployment[]> {
  if (targets.length === 0) return [];
  const { proxyId, projectId, revision, route, description } = toDeploy;
  const strategy = ownStrategy ?? (targets.length > 1 ? await strategyOfProject(unit, projectId) : null);
  const waves = wavesOf(targets, strategy);
  const [first = [], ...others] = waves;
  const later = new Set(others.flat().map(({ environmentId }) => environmentId));
  // Sent together, carried out in this order.
  const ready = [overtakeWaves(unit, proxyId, targets), claimRoutes(unit, targets, { proxyId, route, later })];
  const wish = { kind: 'publish', proxyId, revision, description } as const;
  if (strategy === null || others.length === 0) {
    const [requested] = await Promise.all([requestDeployments(unit, targets, wish), ...ready]);
    return requested;
  }
  await Promise.all(ready);
  const rolloutId = randomUUID();
  await begin(unit, toDeploy, { rolloutId, waves, strategy });
  const requested = await requestDeployments(unit, first, wish);
  await noteStarted(unit, { rolloutId, wave: 1 }, requested);
  const waiting = others.flatMap((wave, index) =>
    wave.map((target) => ({ ...target, deployment: null, proxyId, revision, rolloutId, wave: index + 2 })),
  );
  return [...requested, ...waiting];
}
