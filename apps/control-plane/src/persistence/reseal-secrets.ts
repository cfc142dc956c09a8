import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { dataKeyOf, type DataKey } from './data-keys/data-key.ts';
import type { DataKeys } from './data-keys/data-keys.ts';
import { inTransaction } from './data-keys/in-transaction.ts';
import { openSecret, sealSecret } from './data-keys/sealed-secret.ts';
import { holdDataKeys, insertDataKeys, readDataKeys, unwrapDataKey } from './data-keys/stored-data-keys.ts';

/** Rows held at a time: for a few milliseconds, in which a change that destroys one of them waits. */
const BATCH = 100;

export interface Resealed {
  /** The data key that every secret is under now. */
  readonly keyId: string;
  readonly secrets: number;
  /** Ids of secrets that do not open under the key that they name: altered, and left as they are, with their key. */
  readonly damaged: readonly string[];
}

interface SecretRow {
  readonly secretId: string;
  readonly purpose: string;
  readonly sealed: string;
  readonly keyId: string;
}

/** What somebody else is about to destroy is passed over at first: who waits for one row must not hold others. */
type Waiting = 'passes over what is held' | 'waits, one by one';

const nextRows = (waiting: Waiting): string =>
  `select secret_id as "secretId", purpose, sealed, key_id as "keyId" from secrets
   where key_id <> $1 and secret_id > $2 order by secret_id
   ${waiting === 'waits, one by one' ? 'limit 1 for update' : `limit ${BATCH} for update skip locked`}`;

const NO_ID = '00000000-0000-0000-0000-000000000000';

interface KeyToSealUnder {
  readonly key: DataKey;
  readonly isNew: boolean;
}

/**
 * A new vault key, unless one is to be gone on with: where there are several, an earlier run was ended before everything was
 * under the newest, or had to leave something under another.
 *
 * @throws WrongMasterKey when the data keys were wrapped under another one meanwhile
 */
async function keyToSealUnder(client: pg.ClientBase, keys: DataKeys, isToGoOn: boolean): Promise<KeyToSealUnder> {
  return inTransaction(client, async () => {
    await holdDataKeys(client);
    for (const one of await readDataKeys(client)) unwrapDataKey(keys.master, one);
    await keys.fetchVaultKeys(client);
    if (isToGoOn && keys.vaultKeyIds.length > 1) return { key: keys.newestVaultKey, isNew: false };
    const key = dataKeyOf('vault', keys.newestVaultKey.number + 1, randomBytes(32));
    await insertDataKeys(client, keys.master, [key]);
    return { key, isNew: true };
  });
}

interface Place {
  readonly client: pg.ClientBase;
  readonly keys: DataKeys;
  readonly onProgress: (secrets: number) => void;
}

class Resealing {
  secrets = 0;
  readonly damaged = new Set<string>();

  constructor(
    private readonly key: DataKey,
    private readonly place: Place,
  ) {}

  /** Once through everything that is under another key. */
  async pass(waiting: Waiting): Promise<void> {
    let after: string | undefined = NO_ID;
    while (after !== undefined) {
      after = await this.batch(waiting, after);
      this.place.onProgress(this.secrets);
    }
  }

  /** @returns the last id of the batch; undefined when there was nothing left */
  private async batch(waiting: Waiting, after: string): Promise<string | undefined> {
    const { client } = this.place;
    return inTransaction(client, async () => {
      const { rows } = await client.query<SecretRow>(nextRows(waiting), [this.key.keyId, after]);
      const sealed = rows.flatMap((row) => this.sealedAnew(row));
      await client.query(
        `update secrets set sealed = n.sealed, key_id = $3 from unnest($1::uuid[], $2::text[]) as n (secret_id, sealed)
         where secrets.secret_id = n.secret_id`,
        [sealed.map(({ secretId }) => secretId), sealed.map((one) => one.sealed), this.key.keyId],
      );
      this.secrets += sealed.length;
      return rows.at(-1)?.secretId;
    });
  }

  private sealedAnew({ secretId, purpose, sealed, keyId }: SecretRow): { secretId: string; sealed: string }[] {
    const old = this.place.keys.vaultKey(keyId);
    const secret = old === undefined ? undefined : openSecret(old, { secretId, purpose }, sealed);
    if (secret !== undefined) return [{ secretId, sealed: sealSecret(this.key.key, { secretId, purpose }, secret) }];
    this.damaged.add(secretId);
    return [];
  }

  /**
   * Deletes the vault keys that nothing is under any more. A change that seals with one of them holds it to its end: it is
   * waited for here, and whoever comes after it finds the key gone and takes the newest.
   *
   * @returns whether something may still be sealed anew: it was put under an old key since the last pass
   */
  async retireOldKeys(): Promise<boolean> {
    const { client } = this.place;
    const old = this.place.keys.vaultKeyIds.filter((keyId) => keyId !== this.key.keyId);
    let isLeft = false;
    for (const keyId of old) {
      isLeft = (await inTransaction(client, () => this.retire(keyId))) || isLeft;
    }
    return isLeft;
  }

  private async retire(keyId: string): Promise<boolean> {
    const { client } = this.place;
    await client.query('select from data_keys where key_id = $1 for update', [keyId]);
    const { rows } = await client.query<{ id: string }>('select secret_id as id from secrets where key_id = $1', [
      keyId,
    ]);
    if (rows.length === 0) await client.query('delete from data_keys where key_id = $1', [keyId]);
    return rows.some(({ id }) => !this.damaged.has(id));
  }
}

async function resealUnder(key: DataKey, place: Place): Promise<Resealed> {
  const resealing = new Resealing(key, place);
  do {
    await resealing.pass('passes over what is held');
    await resealing.pass('waits, one by one');
  } while (await resealing.retireOldKeys());
  return { keyId: key.keyId, secrets: resealing.secrets, damaged: [...resealing.damaged] };
}

/**
 * Seals every secret anew under a vault key made for it, and deletes the one before. Beside running control planes, which may
 * put and destroy secrets meanwhile; ended in the middle it goes on where it is run again.
 *
 * A step of its own, after the data keys were wrapped and every process was started again: a process has in memory what was
 * there at its start, and fetches a vault key made later with the master key of its start. So no request fails, as long as
 * none runs under an earlier one; see `earlierMasterKeys`. To hand the new key to such processes, it would have to be wrapped
 * under what the old master key opens, and whoever had that one could open everything sealed anew.
 *
 * @param client a connection of its own, outside any transaction
 * @param onProgress hears how many were sealed anew so far
 * @throws WrongMasterKey when the data keys were wrapped under another one meanwhile
 */
export async function resealSecrets(
  client: pg.ClientBase,
  keys: DataKeys,
  onProgress: (secrets: number) => void = () => undefined,
): Promise<Resealed> {
  const { key, isNew } = await keyToSealUnder(client, keys, true);
  const resealed = await resealUnder(key, { client, keys, onProgress });
  if (isNew || resealed.secrets > 0 || resealed.damaged.length === 0) return resealed;
  // The earlier run had done all that can be done: what it left does not open, and must not keep the rest as it is for ever.
  const { key: another } = await keyToSealUnder(client, keys, false);
  return resealUnder(another, { client, keys, onProgress });
}
