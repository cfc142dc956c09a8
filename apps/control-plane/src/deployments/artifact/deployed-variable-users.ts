import { Injectable } from '@nestjs/common';
import { environmentVariablesOf } from '#libs/policy-runtime';
import type { ActiveApiProxy } from '../../api-proxies/domain/index.ts';
import { requestDeployments, type RequestedDeployment } from '../../deployment-requests/deployment-requests.ts';
import type { ChangedVariable, VariableUsers } from '../../environment-variables/variable-users.port.ts';
import type { Unit } from '../../persistence/unit-of-work.ts';
import { deployedProxy, holdDeployedRevisions } from './deployed-revisions.ts';

/** Finds the proxies whose deployed revision may read a variable, and deploys that revision again. */
@Injectable()
export class DeployedVariableUsers implements VariableUsers {
  async deployAgain(unit: Unit, { projectId, name, isChangedIn }: ChangedVariable): Promise<RequestedDeployment[]> {
    const requested: RequestedDeployment[] = [];
    for (const deployed of await holdDeployedRevisions(unit, projectId)) {
      const { environmentId, environmentName, proxyId, revision } = deployed;
      if (!isChangedIn(environmentId) || !this.reads(await deployedProxy(unit, deployed), name)) continue;
      const description = `Environment variable ${name} changed`;
      const wish = { kind: 'publish', proxyId, revision, description } as const;
      requested.push(...(await requestDeployments(unit, [{ environmentId, environmentName }], wish)));
    }
    return requested;
  }

  private reads(proxy: ActiveApiProxy | undefined, variableName: string): boolean {
    const policies = proxy?.policies.map((placed) => placed.policy) ?? [];
    return environmentVariablesOf(policies).has(variableName);
  }
}
