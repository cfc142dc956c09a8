/**
 * What a data key is for. Of `vault` there may be several: the newest seals, the others open what is not sealed anew yet.
 * Of every other purpose there is one, for as long as the database lives: what it authenticated stays so.
 */
export const DATA_KEY_PURPOSES = [
  'vault',
  'fingerprint',
  'digest',
  'history-events',
  'history-snapshots',
  'history-checkpoints',
] as const;
export type DataKeyPurpose = (typeof DATA_KEY_PURPOSES)[number];

export interface DataKey {
  /** `<purpose>-<number>`. */
  readonly keyId: string;
  readonly purpose: DataKeyPurpose;
  /** 1, 2, … within its purpose; none is used a second time. */
  readonly number: number;
  /** 32 bytes. */
  readonly key: Buffer;
}

export const dataKeyOf = (purpose: DataKeyPurpose, number: number, key: Buffer): DataKey => ({
  ...{ keyId: `${purpose}-${number}`, purpose, number, key },
});
