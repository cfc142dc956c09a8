import { Injectable } from '@nestjs/common';
import { proxyAtRevision } from '../../api-proxies/domain/index.ts';
import { notFound } from '../../decider/domain-error.ts';
import { requestDeployments, type DeploymentTarget } from '../../deployment-requests/deployment-requests.ts';
import { appendToRollout, noteStarted, stopRollout } from '../../deployment-requests/rollouts.ts';
import { claimRoutes, giveUpRoutes } from '../../deployment-requests/route-claims.ts';
import { ownContext, UnitOfWork, type Unit } from '../../persistence/unit-of-work.ts';
import { holdRollout, judge, type RunningRollout } from './running-rollout.ts';

/** The steps of a rollout, each in one transaction that holds it: two processes never take the same one. */
@Injectable()
export class RolloutSteps {
  constructor(private readonly units: UnitOfWork) {}

  /**
   * Begins the next wave, ends the rollout after its last one, or stops it.
   *
   * @throws DomainError when the next wave cannot begin; nothing is recorded then.
   */
  async take(rolloutId: string): Promise<void> {
    await this.units.run(ownContext(`rollout-${rolloutId}`), async (unit) => {
      const rollout = await holdRollout(unit.transaction, rolloutId);
      if (rollout === undefined) return;
      const { verdict, reason } = await judge(unit.transaction, rollout);
      if (verdict === 'stop') return this.cancel(unit, rollout, reason);
      if (verdict === 'next') return this.goOn(unit, rollout);
    });
  }

  async stop(rolloutId: string, reason: string): Promise<void> {
    await this.units.run(ownContext(`rollout-${rolloutId}`), async (unit) => {
      const rollout = await holdRollout(unit.transaction, rolloutId);
      if (rollout !== undefined) await this.cancel(unit, rollout, reason);
    });
  }

  private async goOn(unit: Unit, rollout: RunningRollout): Promise<void> {
    const { rolloutId, revision, proxyId, description } = rollout;
    const { wave, targets } = await nextWave(unit, rollout);
    if (targets.length === 0) {
      await unit.transaction.query(`update rollouts set state = 'finished', ended_at = $2 where rollout_id = $1`, [
        rolloutId,
        unit.now,
      ]);
      return appendToRollout(unit, { type: 'RolloutFinished', schemaVersion: 1, data: { rolloutId } });
    }
    await claimRoutes(unit, targets, { proxyId, route: await routeAt(unit, proxyId, revision) });
    const wish = { kind: 'publish', proxyId, revision, description } as const;
    await noteStarted(unit, { rolloutId, wave }, await requestDeployments(unit, targets, wish, rollout));
  }

  /** Where a wave is cancelled the proxy goes on with the route that runs there, which it has never given up. */
  private async cancel(unit: Unit, { rolloutId, proxyId }: RunningRollout, reason: string): Promise<void> {
    for (const environmentId of (await stopRollout(unit, rolloutId, reason)).sort()) {
      const target = { environmentId, environmentName: '' };
      const revision = await deployedRevision(unit, proxyId, environmentId);
      if (revision === undefined) await giveUpRoutes(unit, target, proxyId);
      else await claimRoutes(unit, [target], { proxyId, route: await routeAt(unit, proxyId, revision) });
    }
  }
}

/** Environments that were deleted before their wave are no part of it any more; from here on none can be. */
async function leaveOutDeleted(unit: Unit, rolloutId: string): Promise<void> {
  // Whoever deletes one just now is waited for: the next statement sees what became of it.
  await unit.transaction.query(
    `select 1 from names where kind = 'environment' and entity_id in (
       select environment_id from rollout_environments where rollout_id = $1 and state = 'waiting'
     ) order by entity_id for key share`,
    [rolloutId],
  );
  const cancelled = await unit.transaction.query<{ environment_id: string }>(
    `update rollout_environments set state = 'cancelled', message = 'the environment was deleted'
     where rollout_id = $1 and state = 'waiting'
       and not exists (select 1 from names where kind = 'environment' and entity_id = environment_id)
     returning environment_id`,
    [rolloutId],
  );
  const environmentIds = cancelled.rows.map((row) => row.environment_id).sort();
  if (environmentIds.length === 0) return;
  await appendToRollout(unit, { type: 'RolloutShortened', schemaVersion: 1, data: { rolloutId, environmentIds } });
}

/** The environments that still wait in the next wave that has any. */
async function nextWave(unit: Unit, { rolloutId }: RunningRollout) {
  await leaveOutDeleted(unit, rolloutId);
  const found = await unit.transaction.query<DeploymentTarget & { wave: number }>(
    `select place.wave, place.environment_id as "environmentId", names.name as "environmentName"
     from rollout_environments place
     join names on names.kind = 'environment' and names.entity_id = place.environment_id
     where rollout_id = $1 and state = 'waiting' order by place.wave, names.name`,
    [rolloutId],
  );
  const wave = found.rows[0]?.wave ?? 0;
  return { wave, targets: found.rows.filter((row) => row.wave === wave) };
}

async function deployedRevision(unit: Unit, proxyId: string, environmentId: string): Promise<number | undefined> {
  const found = await unit.transaction.query<{ kind: string; revision: number }>(
    `select kind, revision from newest_deployments where environment_id = $1 and proxy_id = $2`,
    [environmentId, proxyId],
  );
  const newest = found.rows[0];
  return newest?.kind === 'publish' ? newest.revision : undefined;
}

/** @throws DomainError NOT_FOUND when the proxy was deleted meanwhile */
async function routeAt(unit: Unit, proxyId: string, revision: number) {
  const state = await proxyAtRevision(unit.streams, proxyId, revision);
  if (state.status === 'active') return state.clientRoute;
  throw notFound(`revision ${revision} of the ApiProxy`);
}
