import { Injectable } from '@nestjs/common';
import { apiProxyDecider, apiProxyStream, type ActiveApiProxy } from '../../api-proxies/domain/index.ts';
import { requestDeployments, type RequestedDeployment } from '../../deployment-requests/deployment-requests.ts';
import type {
  EnvironmentFilter,
  KeyStoreDeployment,
  KeyStoreName,
  KeyStoreUse,
  KeyStoreUsers,
} from '../../key-stores/key-store-users.port.ts';
import type { Unit } from '../../persistence/unit-of-work.ts';
import { deployedProxy, deployedRevisions, holdDeployedRevisions } from './deployed-revisions.ts';
import { keyStoreDeployments, longestTokenLifeMs } from './key-store-deployments.ts';
import { RevisionKeyUses } from './revision-key-uses.ts';

function usesIn(proxy: ActiveApiProxy, storeName: string): KeyStoreUse[] {
  return proxy.policies.flatMap(({ name: policyName, policy }) =>
    policy.type === 'policy-auth-jwt' && policy.keyStoreName === storeName
      ? [{ apiProxyName: proxy.name, policyName, algorithm: policy.jwtSignatureAlgorithm }]
      : [],
  );
}

/** Finds the policies that name a key store, and deploys the revisions again that do. */
@Injectable()
export class DeployedKeyStoreUsers implements KeyStoreUsers {
  private readonly uses = new RevisionKeyUses();

  async of(unit: Unit, projectId: string, name: string): Promise<KeyStoreUse[]> {
    const uses: KeyStoreUse[] = [];
    for (const proxyId of (await unit.names.all('api-proxy', projectId)).values()) {
      const proxy = await unit.peek(apiProxyDecider, apiProxyStream(proxyId));
      if (proxy.status === 'active') uses.push(...usesIn(proxy, name));
    }
    for (const deployed of await deployedRevisions(unit, projectId)) {
      const proxy = await deployedProxy(unit, deployed);
      if (proxy !== undefined) uses.push(...usesIn(proxy, name));
    }
    return uses;
  }

  async deployAgain(
    unit: Unit,
    { projectId, name }: KeyStoreName,
    { isMeant, description }: { readonly isMeant: EnvironmentFilter; readonly description: string },
  ): Promise<RequestedDeployment[]> {
    const requested: RequestedDeployment[] = [];
    for (const deployed of await holdDeployedRevisions(unit, projectId)) {
      const { environmentId, environmentName, proxyId, revision } = deployed;
      if (!isMeant(environmentId)) continue;
      const proxy = await deployedProxy(unit, deployed);
      if (proxy === undefined || usesIn(proxy, name).length === 0) continue;
      const wish = { kind: 'publish', proxyId, revision, description } as const;
      requested.push(...(await requestDeployments(unit, [{ environmentId, environmentName }], wish)));
    }
    return requested;
  }

  deployments(unit: Unit, store: KeyStoreName, isMeant: EnvironmentFilter): Promise<KeyStoreDeployment[]> {
    return keyStoreDeployments(unit, this.uses, { store, isMeant });
  }

  longestTokenLifeMs(
    unit: Unit,
    store: KeyStoreName,
    where: { readonly isMeant: EnvironmentFilter; readonly since: string },
  ): Promise<number | null> {
    return longestTokenLifeMs(unit, this.uses, { store, ...where });
  }
}
