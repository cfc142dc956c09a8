import { WrongMasterKey } from '../persistence/data-keys/master-key.ts';
import { MasterKeyFile } from './master-key-file.ts';

/** Where a process has its master key from. */
interface MasterKeyPlace {
  readonly dataDir: string;
  /** 32 bytes, set by `MASTER_KEY`. */
  readonly masterKey: Buffer | undefined;
}

/**
 * Opens a database with the master key that is set, or else with the one in `DATA_DIR`: there a re-wrap that was ended in
 * the middle may have left the next one beside it, which is taken when the database needs it.
 *
 * @param inDataDir gives the one in `DATA_DIR`
 * @throws WrongMasterKey, and what `open` throws
 */
export async function withMasterKey<Opened>(
  { masterKey, dataDir }: MasterKeyPlace,
  inDataDir: () => Buffer,
  open: (masterKey: Buffer) => Promise<Opened>,
): Promise<Opened> {
  if (masterKey !== undefined) return open(masterKey);
  try {
    return await open(inDataDir());
  } catch (error) {
    if (!(error instanceof WrongMasterKey) || error.neededId === undefined) throw error;
    const adopted = new MasterKeyFile(dataDir).adopt(error.neededId);
    if (adopted === undefined) throw error;
    return open(adopted);
  }
}
