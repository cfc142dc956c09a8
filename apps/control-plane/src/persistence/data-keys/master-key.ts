import { hkdfSync } from 'node:crypto';
import { openWith, sealWith } from '#libs/config-distribution';
import { BadSettings } from '#libs/program-shell';
import type { DataKey } from './data-key.ts';

export const MASTER_KEY_BYTES = 32;

/** 32 bytes (HKDF-SHA-256, RFC 5869). */
export const derivedFrom = (masterKey: Buffer, info: string, bytes = 32): Buffer =>
  Buffer.from(hkdfSync('sha256', masterKey, Buffer.alloc(0), info, bytes));

const place = ({ keyId, purpose, number }: Omit<DataKey, 'key'>) => ({
  ...{ environment: 'control-plane', purpose: `data-key/${purpose}`, subject: keyId },
  version: number,
});

/** What a process keeps of its master key: enough to wrap data keys, and to name the key. */
export class MasterKey {
  /** 16 hexadecimal digits, derived from the key; says which one it is and no secret. */
  readonly id: string;
  private readonly wrappingKey: Buffer;

  /**
   * @param bytes 32 bytes
   * @throws RangeError when it has another length
   */
  constructor(bytes: Buffer) {
    if (bytes.length !== MASTER_KEY_BYTES) throw new RangeError(`the master key must have ${MASTER_KEY_BYTES} bytes`);
    this.id = derivedFrom(bytes, 'gatewarden/1/master-key/id', 8).toString('hex');
    this.wrappingKey = derivedFrom(bytes, 'gatewarden/1/master-key/wrap');
  }

  /** AES-256-GCM, bound to the id, the purpose and the number of the data key. */
  wrap(dataKey: DataKey): string {
    return sealWith(this.wrappingKey, place(dataKey), dataKey.key.toString('base64url'));
  }

  /** Undefined when it was not wrapped under this master key, for this place. */
  unwrap(where: Omit<DataKey, 'key'>, wrapped: string): Buffer | undefined {
    const key = openWith(this.wrappingKey, place(where), wrapped);
    return key === undefined ? undefined : Buffer.from(key, 'base64url');
  }
}

/** The database needs another master key than the one that was given. */
export class WrongMasterKey extends BadSettings {
  /** @param neededId undefined: the database is of a version that did not name its master key */
  constructor(
    readonly givenId: string,
    readonly neededId?: string,
  ) {
    const needed =
      neededId === undefined ? 'its data keys are not there, or not yet' : `it needs master key ${neededId}`;
    super([
      `MASTER_KEY is not the one that the secrets in this database were sealed with: ` +
        `this is master key ${givenId}, and ${needed}`,
    ]);
    this.name = 'WrongMasterKey';
  }
}
