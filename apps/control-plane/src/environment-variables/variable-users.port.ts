import type { RequestedDeployment } from '../deployment-requests/deployment-requests.ts';
import type { Unit } from '../persistence/unit-of-work.ts';

/** Who uses a variable: a change of it deploys those proxies, and no others, where they are deployed. */
export interface VariableUsers {
  /** Writes the wishes in the transaction of the change. */
  deployAgain(unit: Unit, projectId: string, variableName: string): Promise<RequestedDeployment[]>;
}
export const VARIABLE_USERS = Symbol('VARIABLE_USERS');
