import type { RequestedDeployment } from '../deployment-requests/deployment-requests.ts';
import type { Unit } from '../persistence/unit-of-work.ts';

/** A variable that was created, replaced or deleted. */
export interface ChangedVariable {
  readonly projectId: string;
  readonly name: string;
  /** Whether its value, or that it is not shown, is another one in an environment now. */
  readonly isChangedIn: (environmentId: string) => boolean;
}

/** Who uses a variable: a change of it deploys those proxies, and no others, where they are deployed and it changed. */
export interface VariableUsers {
  /** Writes the wishes in the transaction of the change. */
  deployAgain(unit: Unit, changed: ChangedVariable): Promise<RequestedDeployment[]>;
}
export const VARIABLE_USERS = Symbol('VARIABLE_USERS');
