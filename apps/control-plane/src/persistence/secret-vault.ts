import { createHmac, randomUUID } from 'node:crypto';
import type { SecretReference } from '../decider/secret-reference.ts';
import type { DataKeys } from './data-keys/data-keys.ts';
import { openSecret, sealSecret } from './data-keys/sealed-secret.ts';
import type { Queryable } from './data-keys/stored-data-keys.ts';

export type { Queryable } from './data-keys/stored-data-keys.ts';

// Named: planned once on each connection.
const GET = {
  name: 'secrets_get_2',
  text: 'select purpose, sealed, key_id as "keyId" from secrets where secret_id = $1',
};

/** Keeps the data key until the transaction ends; stores nothing when it is gone. */
const PUT = `insert into secrets (secret_id, purpose, sealed, key_id)
  select $1::uuid, $2::text, $3::text, key_id from data_keys where key_id = $4 for key share`;

interface SealedRow {
  readonly purpose: string;
  readonly sealed: string;
  readonly keyId: string;
}

/** Secrets at rest: AES-256-GCM under a data key, which is wrapped under `MASTER_KEY`; each bound to its id and purpose. */
export class SecretVault {
  constructor(private readonly keys: DataKeys) {}

  /**
   * Seals and stores a secret, or the verifier of one, as part of a change.
   *
   * @param known the secret itself, when `stored` is its verifier: two verifiers of one secret differ.
   */
  async put(transaction: Queryable, purpose: string, stored: string, known = stored): Promise<SecretReference> {
    const secretId = randomUUID();
    if (!(await this.insert(transaction, { secretId, purpose }, stored))) {
      // The key was replaced, and everything under it sealed anew.
      await this.keys.fetchVaultKeys(transaction);
      if (!(await this.insert(transaction, { secretId, purpose }, stored))) {
        throw new Error('the vault key that is in use needs another MASTER_KEY than this process was started with');
      }
    }
    return { secretId, fingerprint: this.fingerprint(known) };
  }

  /**
   * @throws SecretUnavailable when it was destroyed, was altered, or is under a data key that this process cannot unwrap:
   * it was started with an earlier master key
   */
  async get(from: Queryable, secretId: string): Promise<string> {
    const found = await from.query<SealedRow>(GET, [secretId]);
    const row = found.rows[0];
    if (row === undefined) throw new SecretUnavailable(secretId, 'it was destroyed');
    if (this.keys.vaultKey(row.keyId) === undefined) await this.keys.fetchVaultKeys(from);
    const key = this.keys.vaultKey(row.keyId);
    if (key === undefined) {
      throw new SecretUnavailable(
        secretId,
        `its data key ${row.keyId} is not under master key ${this.keys.masterKeyId}`,
      );
    }
    const secret = openSecret(key, { secretId, purpose: row.purpose }, row.sealed);
    if (secret === undefined) throw new SecretUnavailable(secretId, `it was not sealed under data key ${row.keyId}`);
    return secret;
  }

  /** Destroys a secret; the events that name it stay as they are. */
  async destroy(transaction: Queryable, secretId: string): Promise<void> {
    await transaction.query('delete from secrets where secret_id = $1', [secretId]);
  }

  fingerprint(secret: string): string {
    return createHmac('sha256', this.keys.fingerprint).update(secret, 'utf8').digest('hex').slice(0, 16);
  }

  /** HMAC-SHA-256, hex: to see whether a text that may hold secrets came before, without a way to try guesses at it. */
  digest(text: string): string {
    return createHmac('sha256', this.keys.digest).update(text, 'utf8').digest('hex');
  }

  /** @returns whether the key is still in use; nothing was stored otherwise */
  private async insert(
    transaction: Queryable,
    place: { readonly secretId: string; readonly purpose: string },
    stored: string,
  ): Promise<boolean> {
    const { keyId, key } = this.keys.newestVaultKey;
    const values = [place.secretId, place.purpose, sealSecret(key, place, stored), keyId];
    return (await transaction.query(PUT, values)).rowCount === 1;
  }
}

export class SecretUnavailable extends Error {
  readonly code = 'SECRET_UNAVAILABLE';
  constructor(
    readonly secretId: string,
    reason: string,
  ) {
    super(`secret ${secretId} cannot be read: ${reason}`);
    this.name = 'SecretUnavailable';
  }
}
