import type { RequestedDeployment } from '../deployment-requests/deployment-requests.ts';
import type { Unit } from '../persistence/unit-of-work.ts';

/** A policy that names a key store, in its proxy's newest content or in a revision that is deployed. */
export interface KeyStoreUse {
  readonly apiProxyName: string;
  readonly policyName: string;
  /** What the policy signs with. */
  readonly algorithm: string;
}

/** Who uses a key store: a change of its keys deploys those proxies, and no others, where they are deployed. */
export interface KeyStoreUsers {
  of(unit: Unit, projectId: string, name: string): Promise<KeyStoreUse[]>;
  /**
   * Writes the wishes in the transaction of the change.
   *
   * @param environmentIds where the keys changed; undefined: everywhere
   */
  deployAgain(
    unit: Unit,
    store: { readonly projectId: string; readonly name: string },
    environmentIds: ReadonlySet<string> | undefined,
  ): Promise<RequestedDeployment[]>;
}
export const KEY_STORE_USERS = Symbol('KEY_STORE_USERS');
