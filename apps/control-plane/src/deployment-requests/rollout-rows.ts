import type { Queryable } from '../persistence/secret-vault.ts';

/** How an environment of a rollout stands. */
export interface RolloutEnvironment {
  readonly environmentId: string;
  /** From 1. */
  readonly wave: number;
  readonly state: 'waiting' | 'started' | 'cancelled' | 'superseded';
  /** null: it has not begun there. */
  readonly deployment: number | null;
  /** Why it will not begin there. */
  readonly message: string | null;
}

/** All environments of a rollout, wave by wave. */
export async function rolloutEnvironments(from: Queryable, rolloutId: string): Promise<RolloutEnvironment[]> {
  const found = await from.query<RolloutEnvironment>(
    `select environment_id as "environmentId", wave, state, deployment::float8 as deployment, message
     from rollout_environments where rollout_id = $1 order by wave, environment_id`,
    [rolloutId],
  );
  return found.rows;
}

export async function rolloutEnvironment(
  from: Queryable,
  rolloutId: string,
  environmentId: string,
): Promise<RolloutEnvironment | undefined> {
  return (await rolloutEnvironments(from, rolloutId)).find((one) => one.environmentId === environmentId);
}
