import type { DeploymentRow } from '../deployment-requests/deployment-rows.ts';
import type { RequestedDeployment } from '../deployment-requests/deployment-requests.ts';
import type { Unit } from '../persistence/unit-of-work.ts';

/** A policy that names a key store, in its proxy's newest content or in a revision that is deployed. */
export interface KeyStoreUse {
  readonly apiProxyName: string;
  readonly policyName: string;
  /** What the policy signs with. */
  readonly algorithm: string;
}

export interface KeyStoreName {
  readonly projectId: string;
  readonly name: string;
}

/** Which environments are meant, by their ids. */
export type EnvironmentFilter = (environmentId: string) => boolean;

/** The newest deployment of a proxy that uses a key store, in one environment. */
export interface KeyStoreDeployment {
  readonly environmentName: string;
  readonly apiProxyName: string;
  readonly deployment: number;
  readonly state: DeploymentRow['state'];
  /** Ids of live gateways that have not answered. */
  readonly pending: readonly string[];
  readonly rejecting: readonly { readonly gatewayId: string; readonly reason: string }[];
}

/** Who uses a key store: a change of its keys deploys those proxies, and no others, where they are deployed. */
export interface KeyStoreUsers {
  of(unit: Unit, projectId: string, name: string): Promise<KeyStoreUse[]>;
  /** Writes the wishes in the transaction of the change. */
  deployAgain(
    unit: Unit,
    store: KeyStoreName,
    change: { readonly isMeant: EnvironmentFilter; readonly description: string },
  ): Promise<RequestedDeployment[]>;
  /** What became of the newest deployments, whoever asked for them. */
  deployments(unit: Unit, store: KeyStoreName, isMeant: EnvironmentFilter): Promise<KeyStoreDeployment[]>;
  /**
   * The longest life of an access token that any revision issues which was deployed since a moment (ISO 8601), or was
   * then, whether it still is or not, or that own settings of credentials give with its keys; null: one issues tokens that never expire; 0: none issues any.
   */
  longestTokenLifeMs(
    unit: Unit,
    store: KeyStoreName,
    where: { readonly isMeant: EnvironmentFilter; readonly since: string },
  ): Promise<number | null>;
}
export const KEY_STORE_USERS = Symbol('KEY_STORE_USERS');
