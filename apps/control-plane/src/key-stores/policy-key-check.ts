import { Injectable } from '@nestjs/common';
import type { ValidationFault } from '#libs/policy-contracts';
import type { ActiveApiProxy } from '../api-proxies/domain/index.ts';
import type { KeyStoreCheck } from '../api-proxies/key-store-check.port.ts';
import { DomainError } from '../decider/domain-error.ts';
import type { DeploymentTarget } from '../deployment-requests/deployment-requests.ts';
import type { Unit } from '../persistence/unit-of-work.ts';
import {
  keyStoreDecider,
  keyStoreStream,
  requireKeyStore,
  slotFor,
  type ActiveKeyStore,
} from './domain/key-store.decider.ts';
import { signingFault } from './domain/key-use.ts';

const FIELD = 'policy.keyStoreName';

interface NamingPolicy {
  readonly policyName: string;
  readonly storeName: string;
  readonly algorithm: string;
}

function policiesWithKeys(proxy: ActiveApiProxy): NamingPolicy[] {
  return proxy.policies.flatMap(({ name, policy }) => {
    if (policy.type !== 'policy-auth-jwt' || policy.keyStoreName === undefined) return [];
    return [{ policyName: name, storeName: policy.keyStoreName, algorithm: policy.jwtSignatureAlgorithm }];
  });
}

function faultsIn(store: ActiveKeyStore, { algorithm }: NamingPolicy, targets: readonly DeploymentTarget[]) {
  const signing = store.slots.flatMap(({ current, next }) => (next === null ? [current] : [current, next]));
  const misfits = signing.flatMap((key) => signingFault(key, algorithm) ?? []);
  const keyless = targets.filter(({ environmentId }) => slotFor(store, environmentId) === undefined);
  return [
    ...misfits
      .slice(0, 1)
      .map(({ code, reason }) => ({ code, message: `names the key ${store.name}, which ${reason}` })),
    ...keyless.map(({ environmentName }) => ({
      code: 'no_key_for_environment',
      message: `names ${store.name}, which has no key for environment ${environmentName}`,
    })),
  ];
}

/** Looks at what `keyStoreName` names, and keeps it from being deleted or changed until the change is recorded. */
@Injectable()
export class PolicyKeyCheck implements KeyStoreCheck {
  async faultsOf(unit: Unit, proxy: ActiveApiProxy, targets: readonly DeploymentTarget[]): Promise<ValidationFault[]> {
    const policies = policiesWithKeys(proxy);
    const stores = new Map<string, ActiveKeyStore | undefined>();
    // In one order, so that two changes never wait for each other in a circle.
    for (const name of [...new Set(policies.map((policy) => policy.storeName))].sort()) {
      stores.set(name, await this.hold(unit, proxy.projectId, name));
    }
    return policies.flatMap((policy) => {
      const store = stores.get(policy.storeName);
      const unknown = { code: 'unknown_key_store', message: `names a key that the project does not have` };
      const faults = store === undefined ? [unknown] : faultsIn(store, policy, targets);
      return faults.map(({ code, message }) => ({
        ...{ field: FIELD, code, message: `${FIELD} ${message} (policy ${policy.policyName})` },
      }));
    });
  }

  private async hold(unit: Unit, projectId: string, name: string): Promise<ActiveKeyStore | undefined> {
    try {
      const keyStoreId = await unit.names.hold('key-store', projectId, name);
      return requireKeyStore(await unit.peek(keyStoreDecider, keyStoreStream(keyStoreId)));
    } catch (error) {
      if (error instanceof DomainError && error.code === 'NOT_FOUND') return undefined;
      throw error;
    }
  }
}
