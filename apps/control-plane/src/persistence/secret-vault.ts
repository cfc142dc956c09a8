import { createHmac, hkdfSync, randomUUID } from 'node:crypto';
import type { PostgresTransaction } from '#libs/event-store';
import { openWith, sealWith } from '#libs/config-distribution';
import type { SecretReference } from '../decider/secret-reference.ts';

/** Anything that can run a query: a transaction or the pool. */
export type Queryable = Pick<PostgresTransaction, 'query'>;

// Named: planned once on each connection.
const GET = { name: 'secrets_get_1', text: 'select purpose, sealed from secrets where secret_id = $1' };

/** Secrets at rest: AES-256-GCM under a key derived from `MASTER_KEY`, each bound to its id and purpose. */
export class SecretVault {
  private readonly sealingKey: Buffer;
  private readonly fingerprintKey: Buffer;
  private readonly digestKey: Buffer;

  /** @param masterKey 32 bytes. */
  constructor(masterKey: Buffer) {
    const derive = (info: string) => Buffer.from(hkdfSync('sha256', masterKey, Buffer.alloc(0), info, 32));
    this.sealingKey = derive('gatewarden/1/vault');
    this.fingerprintKey = derive('gatewarden/1/fingerprint');
    this.digestKey = derive('gatewarden/1/digest');
  }

  /**
   * Seals and stores a secret, or the verifier of one, as part of a change.
   *
   * @param known the secret itself, when `stored` is its verifier: two verifiers of one secret differ.
   */
  async put(transaction: Queryable, purpose: string, stored: string, known = stored): Promise<SecretReference> {
    const secretId = randomUUID();
    const sealed = sealWith(this.sealingKey, this.place(secretId, purpose), stored);
    await transaction.query('insert into secrets (secret_id, purpose, sealed) values ($1, $2, $3)', [
      secretId,
      purpose,
      sealed,
    ]);
    return { secretId, fingerprint: this.fingerprint(known) };
  }

  /** @throws SecretUnavailable when it was destroyed, or was sealed under another master key. */
  async get(from: Queryable, secretId: string): Promise<string> {
    const found = await from.query<{ purpose: string; sealed: string }>(GET, [secretId]);
    const row = found.rows[0];
    if (row === undefined) throw new SecretUnavailable(secretId, 'it was destroyed');
    const secret = openWith(this.sealingKey, this.place(secretId, row.purpose), row.sealed);
    if (secret === undefined) throw new SecretUnavailable(secretId, 'it was not sealed under this master key');
    return secret;
  }

  /** Leaves something sealed where there is nothing yet, so that another master key shows from the next start on. */
  async leaveMark(where: Queryable): Promise<void> {
    const { rowCount } = await where.query('select 1 from secrets limit 1', []);
    if (rowCount === 0) await this.put(where, 'mark', 'sealed under the master key of this database');
  }

  /** Whether the newest secret that is stored was sealed under this master key; true where there is none yet. */
  async opensWhatIsStored(from: Queryable): Promise<boolean> {
    const newest = await from.query<{ secret_id: string; purpose: string; sealed: string }>(
      'select secret_id, purpose, sealed from secrets order by created_at desc limit 1',
      [],
    );
    const row = newest.rows[0];
    return (
      row === undefined || openWith(this.sealingKey, this.place(row.secret_id, row.purpose), row.sealed) !== undefined
    );
  }

  /** Destroys a secret; the events that name it stay as they are. */
  async destroy(transaction: Queryable, secretId: string): Promise<void> {
    await transaction.query('delete from secrets where secret_id = $1', [secretId]);
  }

  fingerprint(secret: string): string {
    return createHmac('sha256', this.fingerprintKey).update(secret, 'utf8').digest('hex').slice(0, 16);
  }

  /** HMAC-SHA-256, hex: to see whether a text that may hold secrets came before, without a way to try guesses at it. */
  digest(text: string): string {
    return createHmac('sha256', this.digestKey).update(text, 'utf8').digest('hex');
  }

  private place(secretId: string, purpose: string) {
    return { environment: 'control-plane', purpose, subject: secretId, version: 1 };
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
