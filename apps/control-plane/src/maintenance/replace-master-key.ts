import type pg from 'pg';
import { MasterKeyFile } from '../config/master-key-file.ts';
import { withMasterKey } from '../config/with-master-key.ts';
import { MasterKey, WrongMasterKey } from '../persistence/data-keys/master-key.ts';
import { rewrapDataKeys } from '../persistence/data-keys/rewrap-data-keys.ts';
import { openPreparedDatabase } from '../persistence/prepare-database.ts';
import { masterKeyInDataDir } from './open-history.ts';

/** Where the master key in use is. */
export interface MasterKeyPlace {
  /** Of the file `master-key`, where it is not set. */
  readonly dataDir: string;
  /** 32 bytes, as set by `MASTER_KEY`. */
  readonly masterKey: Buffer | undefined;
}

export interface Replaced {
  /** The master key that the data keys are under now. */
  readonly masterKeyId: string;
  /** How many were wrapped anew; 0: an earlier call had done it. */
  readonly dataKeys: number;
}

/** The master key that the data keys are under; `to` where an earlier call has got so far. */
async function masterKeyInUse(client: pg.Client, place: MasterKeyPlace, to: MasterKey): Promise<MasterKey> {
  const inDataDir = () => masterKeyInDataDir(place);
  try {
    return await withMasterKey(place, inDataDir, async (key) => (await openPreparedDatabase(client, key)).master);
  } catch (error) {
    if (error instanceof WrongMasterKey && error.neededId === to.id) return to;
    throw error;
  }
}

/**
 * Puts another master key in the place of the one in use, and wraps the data keys under it. One in `DATA_DIR` is replaced
 * there; where it is set, it has to be set anew by whoever set it. Ended in the middle the data keys are under exactly one of
 * the two, nothing is lost, and another call goes on.
 *
 * @param client a connection of its own, outside any transaction, on which no other replacement is under way
 * @param newKey 32 bytes
 * @throws WrongMasterKey, DataKeyDamaged; BadSettings when there is nothing to replace; as `node:fs` throws
 */
export async function replaceMasterKey(client: pg.Client, place: MasterKeyPlace, newKey: Buffer): Promise<Replaced> {
  const to = new MasterKey(newKey);
  const file = place.masterKey === undefined ? new MasterKeyFile(place.dataDir) : undefined;
  const from = await masterKeyInUse(client, place, to);
  file?.writeNext(newKey);
  const dataKeys = await rewrapDataKeys(client, from, to);
  file?.promoteNext();
  return { masterKeyId: to.id, dataKeys };
}
