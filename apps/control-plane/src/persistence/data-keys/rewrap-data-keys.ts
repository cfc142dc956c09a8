import type pg from 'pg';
import { inTransaction } from './in-transaction.ts';
import { MasterKey } from './master-key.ts';
import { holdDataKeys, readDataKeys, unwrapDataKey } from './stored-data-keys.ts';

/**
 * Wraps every data key under another master key, in one transaction: whatever ends it, all of them are under exactly one.
 * Not one of the keys changes, so a running process, which has them in memory, is not concerned; it has to be started with
 * the new master key the next time.
 *
 * @param client a connection of its own, outside any transaction
 * @returns how many were wrapped anew; 0: they are under `to` already
 * @throws WrongMasterKey when they are under neither of the two; DataKeyDamaged
 */
export async function rewrapDataKeys(client: pg.ClientBase, from: MasterKey, to: MasterKey): Promise<number> {
  return inTransaction(client, async () => {
    await holdDataKeys(client);
    const stored = await readDataKeys(client);
    if (stored.every(({ masterKeyId }) => masterKeyId === to.id)) return 0;
    for (const one of stored) {
      await client.query('update data_keys set wrapped = $2, master_key_id = $3 where key_id = $1', [
        ...[one.keyId, to.wrap(unwrapDataKey(from, one)), to.id],
      ]);
    }
    return stored.length;
  });
}
