import { Injectable } from '@nestjs/common';
import {
  apiProxyDecider,
  apiProxyStream,
  type ApiProxyEvent,
  type ApiProxyState,
} from '../../api-proxies/domain/index.ts';
import { requestDeployments, type RequestedDeployment } from '../../deployment-requests/deployment-requests.ts';
import type { VariableUsers } from '../../environment-variables/variable-users.port.ts';
import type { Unit } from '../../persistence/unit-of-work.ts';
import { variablesNamedBy } from '../compile/compile-proxy.ts';
import { stateAtRevision } from './state-at-revision.ts';

interface DeployedRow {
  proxy_id: string;
  environment_id: string;
  environment_name: string;
  revision: number;
}

/** Finds the proxies whose deployed revision names a variable, and deploys that revision again. */
@Injectable()
export class DeployedVariableUsers implements VariableUsers {
  async deployAgain(unit: Unit, projectId: string, variableName: string): Promise<RequestedDeployment[]> {
    const requested: RequestedDeployment[] = [];
    for (const row of await this.deployedIn(unit, projectId)) {
      if (!this.uses(await this.proxyAt(unit, row), variableName)) continue;
      const target = { environmentId: row.environment_id, environmentName: row.environment_name };
      const description = `Environment variable ${variableName} changed`;
      const wish = { kind: 'publish', proxyId: row.proxy_id, revision: row.revision, description } as const;
      requested.push(...(await requestDeployments(unit, [target], wish)));
    }
    return requested;
  }

  private uses(proxy: ApiProxyState, variableName: string): boolean {
    if (proxy.status === 'absent') return false;
    const policies = proxy.policies.map((placed) => placed.policy);
    return variablesNamedBy(policies, [variableName]).length > 0;
  }

  private async proxyAt(unit: Unit, { proxy_id: proxyId, revision }: DeployedRow): Promise<ApiProxyState> {
    const events = await unit.events(apiProxyStream(proxyId));
    return stateAtRevision(apiProxyDecider, events as readonly ApiProxyEvent[], revision);
  }

  /** In the order of environments, as every change takes them. */
  private async deployedIn(unit: Unit, projectId: string): Promise<DeployedRow[]> {
    const found = await unit.transaction.query<DeployedRow>(
      `select newest.proxy_id, newest.environment_id, environments.name as environment_name, newest.revision
       from (select distinct on (proxy_id, environment_id) proxy_id, environment_id, kind, revision
             from deployments order by proxy_id, environment_id, deployment desc) newest
       join names proxies on proxies.kind = 'api-proxy' and proxies.scope = $1 and proxies.entity_id = newest.proxy_id
       join names environments on environments.kind = 'environment' and environments.entity_id = newest.environment_id
       where newest.kind = 'publish'
       order by newest.environment_id, newest.proxy_id`,
      [projectId],
    );
    return found.rows;
  }
}
