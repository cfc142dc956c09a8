import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { apiProxyStream } from '../../api-proxies/domain/index.ts';
import { notFound } from '../../decider/domain-error.ts';
import type { AwaitedDeployment } from '../../deployment-requests/deployment-requests.ts';
import { DeploymentResults, type DeploymentResult } from '../../deployment-requests/deployment-results.ts';
import type { Access } from '../../http/access/access.ts';
import { UnitOfWork, type Unit } from '../../persistence/unit-of-work.ts';
import { PresentKeySets } from './present-key-sets.ts';
import { findDeployment, findRollout, type AskedDeployments } from './asked-deployments.ts';

/** `GET /apiops/deployments/{id}/` */
export interface DeploymentProgress extends Omit<AskedDeployments, 'proxyId' | 'awaited' | 'requestedAt'> {
  readonly id: string;
  readonly projectName: string;
  readonly apiProxyName: string;
  /** ISO 8601. */
  readonly requestedAt: string;
  readonly deploymentResult: DeploymentResult;
}

/** Progress of what one request deployed: one deployment (`<environment>:<number>`) or a rollout in waves (its id). */
export class GetDeployment extends Query<DeploymentProgress> {
  constructor(
    readonly id: string,
    readonly access: Access,
  ) {
    super();
  }
}

const ROLLOUT_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const DEPLOYMENT_ID = /^([^:]{1,255}):(\d{1,15})$/;

@QueryHandler(GetDeployment)
export class GetDeploymentHandler implements IQueryHandler<GetDeployment> {
  constructor(
    private readonly units: UnitOfWork,
    private readonly results: DeploymentResults,
    private readonly keySets: PresentKeySets,
  ) {}

  /** Who may not see the project learns no more than from a number that was never given. */
  async execute({ id, access }: GetDeployment): Promise<DeploymentProgress> {
    const found = await this.units.read(async (unit) => {
      const asked = await askedFor(unit, id);
      const proxy = asked === undefined ? undefined : await proxyOf(unit, asked.proxyId);
      const isVisible = proxy !== undefined && access.may('VIEW', proxy.projectId);
      return asked !== undefined && isVisible ? { asked, proxy } : undefined;
    });
    if (found === undefined) throw notFound(`Deployment (id: ${id})`);
    const { proxyId: _proxyId, awaited, requestedAt, ...asked } = found.asked;
    return {
      id,
      ...{ projectName: found.proxy.project, apiProxyName: found.proxy.name },
      ...asked,
      requestedAt: requestedAt.toISOString(),
      deploymentResult: await this.asOfNow(awaited),
    };
  }

  private async asOfNow(awaited: readonly AwaitedDeployment[]): Promise<DeploymentResult> {
    const { success, deploymentResults } = await this.results.asOfNow(awaited);
    // One result for each, in the same order.
    const beside = deploymentResults.flatMap((result, index) => {
      const one = awaited[index];
      return one === undefined ? [] : [this.keySets.beside(result, one)];
    });
    return { success, deploymentResults: await Promise.all(beside) };
  }
}

async function askedFor(unit: Unit, id: string): Promise<AskedDeployments | undefined> {
  if (ROLLOUT_ID.test(id)) return findRollout(unit.transaction, id);
  const [, environmentName, number] = DEPLOYMENT_ID.exec(id) ?? [];
  if (environmentName === undefined) return undefined;
  const environmentId = await unit.names.find('environment', '', environmentName);
  if (environmentId === undefined) return undefined;
  return findDeployment(unit.transaction, { environmentId, environmentName }, Number(number));
}

/** A proxy that was deleted has its name in its first event only. */
async function proxyOf(unit: Unit, proxyId: string) {
  const [created] = await unit.events(apiProxyStream(proxyId), { toVersion: 1 });
  return created?.data as { projectId: string; project: string; name: string } | undefined;
}
