import { Injectable } from '@nestjs/common';
import { variablesNamedBy, type ActiveApiProxy } from '../../api-proxies/domain/index.ts';
import { requestDeployments, type RequestedDeployment } from '../../deployment-requests/deployment-requests.ts';
import type { VariableUsers } from '../../environment-variables/variable-users.port.ts';
import type { Unit } from '../../persistence/unit-of-work.ts';
import { deployedProxy, holdDeployedRevisions } from './deployed-revisions.ts';

/** Finds the proxies whose deployed revision names a variable, and deploys that revision again. */
@Injectable()
export class DeployedVariableUsers implements VariableUsers {
  async deployAgain(unit: Unit, projectId: string, variableName: string): Promise<RequestedDeployment[]> {
    const requested: RequestedDeployment[] = [];
    for (const deployed of await holdDeployedRevisions(unit, projectId)) {
      if (!this.uses(await deployedProxy(unit, deployed), variableName)) continue;
      const { environmentId, environmentName, proxyId, revision } = deployed;
      const description = `Environment variable ${variableName} changed`;
      const wish = { kind: 'publish', proxyId, revision, description } as const;
      requested.push(...(await requestDeployments(unit, [{ environmentId, environmentName }], wish)));
    }
    return requested;
  }

  private uses(proxy: ActiveApiProxy | undefined, variableName: string): boolean {
    if (proxy === undefined) return false;
    const policies = proxy.policies.map((placed) => placed.policy);
    return variablesNamedBy(policies, [variableName]).length > 0;
  }
}
