import { Injectable } from '@nestjs/common';
import { environmentDeploymentsStream, settledEvent } from '../../deployment-requests/deployment-events.ts';
import type { DeploymentOutcome, DeploymentRow } from '../../deployment-requests/deployment-rows.ts';
import { DeploymentSettled } from '../../deployment-requests/deployment-settled.ts';
import { ownContext, UnitOfWork } from '../../persistence/unit-of-work.ts';

export type Final = 'succeeded' | 'failed' | 'superseded';

/** The end of a deployment is an event in the environment's stream, and its row says the same. */
@Injectable()
export class DeploymentEnds {
  constructor(
    private readonly units: UnitOfWork,
    private readonly settled: DeploymentSettled,
  ) {}

  /** Does nothing when it has ended already, whoever was faster. */
  async settle(row: DeploymentRow, state: Final, result: DeploymentOutcome): Promise<void> {
    const { environmentId, deployment, proxyId, revision } = row;
    const context = ownContext(`deployment-${environmentId}-${deployment}`);
    const isEndedHere = await this.units.run(context, async (unit): Promise<boolean> => {
      const updated = await unit.transaction.query(
        `update deployments set state = $3, result = $4, settled_at = $5
         where environment_id = $1 and deployment = $2 and state = 'pending'`,
        [environmentId, deployment, state, JSON.stringify(result), unit.now],
      );
      if (updated.rowCount === 0) return false;
      const event = settledEvent(state, result, { environmentId, deployment, proxyId, revision });
      await unit.append(environmentDeploymentsStream(environmentId), 'any', [event]);
      return true;
    });
    if (isEndedHere) this.settled.announce(environmentId, deployment);
  }
}
