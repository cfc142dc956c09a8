import type { Unit } from '../persistence/unit-of-work.ts';

/** Keys that projects have for an environment. */
export interface EnvironmentKeys {
  /** Removes and destroys them, in the transaction that deletes the environment. */
  forget(unit: Unit, environmentId: string): Promise<void>;
}
export const ENVIRONMENT_KEYS = Symbol('ENVIRONMENT_KEYS');
