import type { Queryable } from '../persistence/secret-vault.ts';
import type { Unit } from '../persistence/unit-of-work.ts';
import { isUnderWay } from './domain/key-rotation.ts';
import type { ActiveKeyStore } from './domain/key-store.decider.ts';
import { nextLookAt } from './domain/rotation-steps.ts';

/** Key stores whose rotations may have something to do. @param now ISO 8601 */
export async function storesToLookAt(from: Queryable, now: string): Promise<string[]> {
  const found = await from.query<{ key_store_id: string }>(
    'select key_store_id from key_rotations where look_at <= $1 order by look_at',
    [now],
  );
  return found.rows.map((row) => row.key_store_id);
}

/**
 * Writes down how far the rotations of a store are, in the transaction of the change.
 *
 * @param isSwitched whether another key signs by it
 */
export async function noteRotations(unit: Unit, store: ActiveKeyStore, isSwitched: boolean): Promise<void> {
  const open = store.rotations.filter(isUnderWay);
  const newest = open.at(-1);
  const looks = open.flatMap((rotation) => nextLookAt(rotation) ?? []).sort();
  await unit.transaction.query(
    `insert into key_rotations (key_store_id, stage, stage_since, look_at, last_signed_at) values ($1, $2, $3, $4, $5)
     on conflict (key_store_id) do update set stage = excluded.stage, stage_since = excluded.stage_since,
       look_at = excluded.look_at, last_signed_at = coalesce(excluded.last_signed_at, key_rotations.last_signed_at)`,
    [
      ...[store.keyStoreId, newest?.stage ?? null, newest?.since ?? null],
      ...[looks[0] ?? null, isSwitched ? unit.now : null],
    ],
  );
}

/** The store is deleted. */
export async function forgetRotations(unit: Unit, keyStoreId: string): Promise<void> {
  await unit.transaction.query('delete from key_rotations where key_store_id = $1', [keyStoreId]);
}
