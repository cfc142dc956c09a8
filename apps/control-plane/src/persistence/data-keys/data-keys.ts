import { HistoryKeys } from '#libs/event-store';
import type { DataKey, DataKeyPurpose } from './data-key.ts';
import type { MasterKey } from './master-key.ts';
import { DataKeyDamaged, readDataKeys, unwrapDataKey, type Queryable } from './stored-data-keys.ts';

/**
 * The data keys of a database, in the memory of a process, from its start on: a master key that changes meanwhile does not
 * concern it. Only a vault key that is made later has to be fetched; none is made while a process runs under an earlier
 * master key (see `resealSecrets`).
 */
export class DataKeys {
  readonly history: HistoryKeys;
  readonly fingerprint: Buffer;
  readonly digest: Buffer;
  private readonly vaultKeys = new Map<string, DataKey>();
  private newest: DataKey;

  /** @throws DataKeyDamaged when a purpose has no key */
  constructor(
    readonly master: MasterKey,
    keys: readonly DataKey[],
  ) {
    const only = (purpose: DataKeyPurpose): Buffer => {
      const found = keys.find((one) => one.purpose === purpose);
      if (found === undefined) throw new DataKeyDamaged(`${purpose}-1`);
      return found.key;
    };
    this.fingerprint = only('fingerprint');
    this.digest = only('digest');
    this.history = new HistoryKeys({
      ...{ events: only('history-events'), snapshots: only('history-snapshots') },
      checkpointSeed: only('history-checkpoints'),
    });
    this.newest = this.keep(keys);
  }

  /** Of the master key that this process was started with. */
  get masterKeyId(): string {
    return this.master.id;
  }

  /** What is sealed now is sealed under this one. */
  get newestVaultKey(): DataKey {
    return this.newest;
  }

  get vaultKeyIds(): readonly string[] {
    return [...this.vaultKeys.keys()];
  }

  vaultKey(keyId: string): Buffer | undefined {
    return this.vaultKeys.get(keyId)?.key;
  }

  /** Looks for vault keys made since. One that needs another master key stays unknown. @throws DataKeyDamaged */
  async fetchVaultKeys(from: Queryable): Promise<void> {
    const stored = (await readDataKeys(from)).filter(({ purpose }) => purpose === 'vault');
    const readable = stored.filter(({ masterKeyId }) => masterKeyId === this.master.id);
    this.newest = this.keep(readable.map((one) => unwrapDataKey(this.master, one)));
  }

  private keep(keys: readonly DataKey[]): DataKey {
    for (const key of keys) if (key.purpose === 'vault') this.vaultKeys.set(key.keyId, key);
    const newest = [...this.vaultKeys.values()].toSorted((one, other) => other.number - one.number)[0];
    if (newest === undefined) throw new DataKeyDamaged('vault-1');
    return newest;
  }
}
