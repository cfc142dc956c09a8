import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { DeployStrategy } from '#libs/policy-contracts';
import { conflict } from '../../decider/domain-error.ts';
import type { DeploymentTarget } from '../../deployment-requests/deployment-requests.ts';
import { DeploymentResults, type DeploymentResult } from '../../deployment-requests/deployment-results.ts';
import { resolveApiProxy } from '../../persistence/project-scope.ts';
import { UnitOfWork, type RequestContext, type Unit } from '../../persistence/unit-of-work.ts';
import { requireExpectedRevision, RevisionDeployment } from './revision-deployment.ts';

export interface Promotion {
  readonly from: string;
  readonly to: readonly string[];
  /** The one that must run in `from`; undefined: whichever does. */
  readonly revision: number | undefined;
  readonly description: string | undefined;
  readonly deployStrategy: DeployStrategy | undefined;
}

/** Deploys the revision that runs in one environment to others. */
export class PromoteProxy extends Command<DeploymentResult> {
  constructor(
    readonly context: RequestContext,
    readonly address: { readonly projectName: string; readonly apiProxyName: string },
    readonly promotion: Promotion,
  ) {
    super();
  }
}

@CommandHandler(PromoteProxy)
export class PromoteProxyHandler implements ICommandHandler<PromoteProxy> {
  constructor(
    private readonly units: UnitOfWork,
    private readonly deployment: RevisionDeployment,
    private readonly results: DeploymentResults,
  ) {}

  async execute({ context, address, promotion }: PromoteProxy): Promise<DeploymentResult> {
    const { from, to, deployStrategy: strategy } = promotion;
    const requested = await this.units.run(context, async (unit) => {
      const { proxyId } = await resolveApiProxy(unit, address);
      await requireExpectedRevision(unit, proxyId);
      const revision = await runningRevision(unit, proxyId, promotion);
      const targets: DeploymentTarget[] = [];
      for (const environmentName of to) {
        targets.push({ environmentId: await unit.names.resolve('environment', '', environmentName), environmentName });
      }
      const description = promotion.description ?? `Promoted from ${from}`;
      const wish = { proxyId, revision, description, ...(strategy === undefined ? {} : { strategy }) };
      return this.deployment.request(unit, targets, wish);
    });
    return this.results.of(requested);
  }
}

/** @throws DomainError CONFLICT when none runs there, or another one than is asked for */
async function runningRevision(unit: Unit, proxyId: string, { from, revision }: Promotion): Promise<number> {
  const environmentId = await unit.names.resolve('environment', '', from);
  const found = await unit.transaction.query<{ kind: string; state: string; revision: number; deployment: string }>(
    `select kind, state, revision, deployment from deployments
     where environment_id = $1 and proxy_id = $2 order by deployment desc limit 1`,
    [environmentId, proxyId],
  );
  const newest = found.rows[0];
  if (newest?.kind !== 'publish') throw conflict(`the ApiProxy is not deployed in environment ${from}`);
  if (newest.state !== 'succeeded') {
    const state = newest.state === 'failed' ? 'failed' : 'has not been acknowledged yet';
    throw conflict(`deployment ${newest.deployment} of the ApiProxy in environment ${from} ${state}`);
  }
  if (revision !== undefined && revision !== newest.revision) {
    throw conflict(`revision ${newest.revision} runs in environment ${from}, not revision ${revision}`);
  }
  return newest.revision;
}
