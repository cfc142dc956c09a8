import type { Queryable } from './data-keys/stored-data-keys.ts';
import { connectionNameOf, masterKeyIdIn } from './connect-database.ts';

export interface DataKeyUsage {
  readonly keyId: string;
  /** How many secrets are sealed under it; of other keys than those of the vault 0. */
  readonly secrets: number;
}

/** Every data key, in the order in which they were made. */
export async function dataKeyUsage(from: Queryable): Promise<readonly DataKeyUsage[]> {
  const { rows } = await from.query<DataKeyUsage>(
    `select key_id as "keyId",
       (select count(*)::int from secrets where secrets.key_id = data_keys.key_id) as secrets
     from data_keys order by purpose, number`,
  );
  return rows;
}

/**
 * Ids of other master keys that processes were started with which are connected now. None is seen of a process without a
 * connection, or whose `DATABASE_URL` gives its connections a name.
 */
export async function earlierMasterKeys(from: Queryable, masterKeyId: string): Promise<readonly string[]> {
  const { rows } = await from.query<{ name: string }>(
    `select distinct application_name as name from pg_stat_activity
     where datname = current_database() and application_name <> $1 order by 1`,
    [connectionNameOf(masterKeyId)],
  );
  return rows.flatMap(({ name }) => masterKeyIdIn(name) ?? []);
}
