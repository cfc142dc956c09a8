import type { ValidationFault } from '#libs/policy-contracts';
import type { DeploymentTarget } from '../deployment-requests/deployment-requests.ts';
import type { Unit } from '../persistence/unit-of-work.ts';
import type { ActiveApiProxy } from './domain/index.ts';

/** Whether the keys that a proxy's policies name as `keyStoreName` are there and can do what the policies want. */
export interface KeyStoreCheck {
  /**
   * Asked within the change, before anything is deployed: what is found stays as it is until the change is recorded.
   *
   * @param targets where the proxy is about to be deployed; each needs a key
   */
  faultsOf(unit: Unit, proxy: ActiveApiProxy, targets: readonly DeploymentTarget[]): Promise<ValidationFault[]>;
}
export const KEY_STORE_CHECK = Symbol('KEY_STORE_CHECK');
