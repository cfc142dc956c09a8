import { Inject, Injectable } from '@nestjs/common';
import type { ContractWarning } from '#libs/policy-contracts';
import { conflict } from '../decider/domain-error.ts';
import type { RequestedDeployment } from '../deployment-requests/deployment-requests.ts';
import { DeploymentResults, type DeploymentResult } from '../deployment-requests/deployment-results.ts';
import { VAULT } from '../injection-tokens.ts';
import { resolveProject } from '../persistence/project-scope.ts';
import type { SecretVault } from '../persistence/secret-vault.ts';
import { UnitOfWork, type RequestContext, type Unit } from '../persistence/unit-of-work.ts';
import type { KeySlot } from './domain/key-slots.ts';
import {
  keyStoreDecider,
  keyStoreStream,
  requireKeyStore,
  secretsIn,
  type ActiveKeyStore,
  type KeyStoreCommand,
  type KeyStoreState,
} from './domain/key-store.decider.ts';
import type { KeyPlace, StoredKey } from './domain/key-store.events.ts';
import { signingFault } from './domain/key-use.ts';
import { changeOfKeys, type KeyChange } from './key-change.ts';
import { environmentNamesIn, lockKeyStore, placesOf } from './key-store-scope.ts';
import { KEY_STORE_USERS, type KeyStoreUsers } from './key-store-users.port.ts';
import { keyStoreView, type KeyStoreView } from './key-store-views.ts';
import { noteRotations } from './rotation-rows.ts';

export interface KeyStoreAnswer {
  readonly view: KeyStoreView;
  readonly deploymentResult: DeploymentResult;
  readonly warnings: readonly ContractWarning[];
}

interface KeyChangeAddress {
  readonly projectName: string;
  readonly name: string;
  /** Whose keys are to be changed; empty: see `placesOf`. */
  readonly environmentNames: readonly string[];
}

/** Keys that policies sign with, or will. */
const signingKeysIn = ({ current, next }: KeySlot): readonly StoredKey[] => [current, ...(next === null ? [] : [next])];

/** What a change of keys left behind. */
interface Changed {
  readonly after: ActiveKeyStore;
  readonly requested: readonly RequestedDeployment[];
}

/** What changes of a store's keys have in common: who uses them must still be able to, and is deployed again. */
@Injectable()
export class KeyStoreChanges {
  constructor(
    private readonly units: UnitOfWork,
    private readonly results: DeploymentResults,
    @Inject(VAULT) private readonly vault: SecretVault,
    @Inject(KEY_STORE_USERS) private readonly users: KeyStoreUsers,
  ) {}

  /** @throws DomainError; nothing is recorded then. */
  async change(
    context: RequestContext,
    { projectName, name, environmentNames }: KeyChangeAddress,
    decide: (unit: Unit, store: ActiveKeyStore, places: readonly KeyPlace[]) => Promise<KeyStoreCommand>,
  ): Promise<Omit<KeyStoreAnswer, 'warnings'>> {
    const { view, requested } = await this.units.run(context, async (unit) => {
      const projectId = await resolveProject(unit, projectName);
      // Environments first, as whoever deletes one takes them.
      const places = await placesOf(unit, environmentNames);
      const before = await lockKeyStore(unit, projectId, name);
      const { after, requested } = await this.apply(unit, before, await decide(unit, before, places));
      return { view: keyStoreView(after, await environmentNamesIn(unit)), requested };
    });
    return { view, deploymentResult: await this.results.of(requested) };
  }

  /** Records a change of a store that is locked, with all that follows from it. @throws DomainError */
  async apply(unit: Unit, before: ActiveKeyStore, command: KeyStoreCommand): Promise<Changed> {
    const { keyStoreId, projectId, name } = before;
    const after = requireKeyStore(await unit.change(keyStoreDecider, keyStoreStream(keyStoreId), command));
    const change = changeOfKeys(command, { before, after });
    await this.settle(unit, { before, after }, change);
    if (change === undefined) return { after, requested: [] };
    await this.refuseMisfits(unit, after);
    return { after, requested: await this.users.deployAgain(unit, { projectId, name }, change) };
  }

  /** What every change of a store leaves in order: secrets, and where to look for rotations. */
  async settle(
    unit: Unit,
    { before, after }: { readonly before: ActiveKeyStore; readonly after: ActiveKeyStore },
    change: KeyChange | undefined,
  ): Promise<void> {
    await this.destroyUnused(unit, before, after);
    await noteRotations(unit, after, change?.isSwitch ?? false);
  }

  /** What no event's newest state names any more cannot be read again by anybody. */
  async destroyUnused(unit: Unit, before: KeyStoreState, after: KeyStoreState): Promise<void> {
    const kept = new Set(secretsIn(after));
    for (const secretId of secretsIn(before)) {
      if (!kept.has(secretId)) await this.vault.destroy(unit.transaction, secretId);
    }
  }

  /** A key that a policy cannot sign with would only be found out when its proxy is deployed. */
  private async refuseMisfits(unit: Unit, store: ActiveKeyStore): Promise<void> {
    for (const { apiProxyName, policyName, algorithm } of await this.users.of(unit, store.projectId, store.name)) {
      for (const key of store.slots.flatMap(signingKeysIn)) {
        const fault = signingFault(key, algorithm);
        if (fault === undefined) continue;
        const user = `policy ${policyName} of ApiProxy (name: ${apiProxyName})`;
        throw conflict(`JWK (name: ${store.name}) is in use by ${user}; the new key ${fault.reason}`);
      }
    }
  }
}
