import { Injectable } from '@nestjs/common';
import { ownContext, UnitOfWork, type Unit } from '../persistence/unit-of-work.ts';
import { environmentDeploymentsStream, settledEvent } from './deployment-events.ts';
import { nothingPublished, overtakenBy } from './deployment-outcomes.ts';
import { DeploymentSettled } from './deployment-settled.ts';

/** Ended in one transaction, which holds their rows. */
const WISHES_AT_ONCE = 500;

const CONTEXT = ownContext('overtaken-wishes');

interface EndedRow {
  deployment: number;
  proxyId: string;
  revision: number;
  newestDeployment: number;
}

/**
 * The rows that somebody is ending now are left to him. What a wish is overtaken by stays as it is read here: numbers
 * only rise.
 */
const END = `with overtaken as (
    select wish.deployment, newest.deployment as newest_deployment from deployments wish
    join newest_deployments newest
      on (newest.environment_id, newest.proxy_id) = (wish.environment_id, wish.proxy_id)
    where wish.environment_id = $1 and wish.state = 'pending' and newest.deployment > wish.deployment
    order by wish.deployment limit ${WISHES_AT_ONCE} for update of wish skip locked
  )
  update deployments set state = 'superseded', settled_at = $2,
    result = jsonb_set($3::jsonb, '{message}', to_jsonb($4 || overtaken.newest_deployment))
  from overtaken where environment_id = $1 and deployments.deployment = overtaken.deployment
  returning deployments.deployment::float8 as deployment, proxy_id as "proxyId", revision,
    overtaken.newest_deployment::float8 as "newestDeployment"`;

async function endOvertaken(unit: Unit, environmentId: string): Promise<EndedRow[]> {
  const nothing = JSON.stringify(nothingPublished(''));
  const { rows } = await unit.transaction.query<EndedRow>(END, [environmentId, unit.now, nothing, overtakenBy('')]);
  const inOrder = rows.sort((one, other) => one.deployment - other.deployment);
  const events = inOrder.map(({ newestDeployment, ...wish }) =>
    settledEvent('superseded', nothingPublished(overtakenBy(newestDeployment)), { environmentId, ...wish }),
  );
  if (events.length > 0) await unit.append(environmentDeploymentsStream(environmentId), 'any', events);
  return inOrder;
}

/** Ends wishes that a newer one of the same proxy has overtaken, many at once, without carrying any of them out. */
@Injectable()
export class OvertakenWishes {
  constructor(
    private readonly units: UnitOfWork,
    private readonly settled: DeploymentSettled,
  ) {}

  /** @returns the numbers of those that were ended here. */
  async end(environmentId: string): Promise<number[]> {
    const ended: number[] = [];
    for (;;) {
      const rows = await this.units.run(CONTEXT, (unit) => endOvertaken(unit, environmentId));
      for (const { deployment } of rows) this.settled.announce(environmentId, deployment);
      ended.push(...rows.map(({ deployment }) => deployment));
      if (rows.length < WISHES_AT_ONCE) return ended;
    }
  }
}
