import type { PostgresTransaction } from '#libs/event-store';
import type { DataKey, DataKeyPurpose } from './data-key.ts';
import { type MasterKey, WrongMasterKey } from './master-key.ts';

/** Anything that runs a query: a client, a pool or a transaction. */
export type Queryable = Pick<PostgresTransaction, 'query'>;

/** A data key as it lies in the database. */
export interface StoredDataKey extends Omit<DataKey, 'key'> {
  readonly wrapped: string;
  readonly masterKeyId: string;
}

export async function readDataKeys(from: Queryable): Promise<readonly StoredDataKey[]> {
  const { rows } = await from.query<{
    keyId: string;
    purpose: DataKeyPurpose;
    number: number;
    wrapped: string;
    masterKeyId: string;
  }>(
    `select key_id as "keyId", purpose, number, wrapped, master_key_id as "masterKeyId" from data_keys
     order by purpose, number`,
  );
  return rows;
}

export async function insertDataKeys(into: Queryable, master: MasterKey, keys: readonly DataKey[]): Promise<void> {
  for (const key of keys) {
    await into.query(
      'insert into data_keys (key_id, purpose, number, wrapped, master_key_id) values ($1, $2, $3, $4, $5)',
      [key.keyId, key.purpose, key.number, master.wrap(key), master.id],
    );
  }
}

/** A row that names the right master key and does not open under it: it was altered. */
export class DataKeyDamaged extends Error {
  readonly code = 'DATA_KEY_DAMAGED';
  constructor(readonly keyId: string) {
    super(`data key ${keyId} is not as it was wrapped: restore the table data_keys from a backup`);
    this.name = 'DataKeyDamaged';
  }
}

/**
 * @throws WrongMasterKey naming both
 * @throws DataKeyDamaged
 */
export function unwrapDataKey(master: MasterKey, { wrapped, masterKeyId, ...where }: StoredDataKey): DataKey {
  if (masterKeyId !== master.id) throw new WrongMasterKey(master.id, masterKeyId);
  const key = master.unwrap(where, wrapped);
  if (key === undefined) throw new DataKeyDamaged(where.keyId);
  return { ...where, key };
}

/** For those who make or wrap data keys: one at a time. Whoever reads them, or seals with them, does not wait. */
export async function holdDataKeys(transaction: Queryable): Promise<void> {
  await transaction.query('lock table data_keys in share row exclusive mode');
}
