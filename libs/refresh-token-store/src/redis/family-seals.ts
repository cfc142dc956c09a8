import type { FamilyRecord } from '../family/family-record.ts';
import { keyedDigest, type StoreKeys } from '../token/store-keys.ts';
import type { TokenParts } from '../token/token-text.ts';
import { KnownRecords, type FamilyPlace } from './known-records.ts';
import { openText, sealText } from './sealed-text.ts';

/** What the store writes into Redis, so that what anybody else writes there is recognised. */
export class FamilySeals {
  private readonly known = new KnownRecords();

  constructor(
    private readonly environment: string,
    private readonly keys: Pick<StoreKeys, 'record' | 'successor'>,
  ) {}

  /** `<hash of the newest token>.<sealed record>`; every call gives another text. */
  sealRecord(place: FamilyPlace, record: FamilyRecord): string {
    const hash = record.newestHash;
    const sealed = sealText(this.recordKey(hash), this.binding('record', place, hash), JSON.stringify(record));
    const stored = `${hash}.${sealed}`;
    this.known.add(place, stored, record);
    return stored;
  }

  /** Undefined when the record was not sealed here for this place. */
  openRecord(place: FamilyPlace, stored: string): FamilyRecord | undefined {
    const known = this.known.find(place, stored);
    if (known !== undefined) return known;
    const [hash = '', sealed = ''] = stored.split('.', 2);
    if (`${hash}.${sealed}` !== stored) return undefined;
    const text = openText(this.recordKey(hash), this.binding('record', place, hash), sealed);
    // The MAC vouches for the form: only sealRecord makes these.
    const record = text === undefined ? undefined : (JSON.parse(text) as FamilyRecord);
    if (record !== undefined) this.known.add(place, stored, record);
    return record;
  }

  /** The successor of a presented token, readable only to who presents that token again. */
  sealSuccessor(presented: TokenParts, successor: string): string {
    return sealText(this.successorKey(presented), this.binding('successor', presented, presented.hash), successor);
  }

  openSuccessor(presented: TokenParts, stored: string): string | undefined {
    return openText(this.successorKey(presented), this.binding('successor', presented, presented.hash), stored);
  }

  /** A key per token, so that random nonces never repeat under one key however many records are sealed. */
  private recordKey(tokenHash: string): Buffer {
    return keyedDigest(this.keys.record, tokenHash);
  }

  private successorKey(presented: TokenParts): Buffer {
    return keyedDigest(this.keys.successor, presented.text);
  }

  private binding(purpose: 'record' | 'successor', place: FamilyPlace, tokenHash: string): string {
    return JSON.stringify([1, purpose, this.environment, place.tag, place.familyId, tokenHash]);
  }
}
