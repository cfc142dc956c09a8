import type { FamilyRecord } from '../family/family-record.ts';

/** Where a family lies: a seal opens nowhere else. */
export interface FamilyPlace {
  readonly tag: string;
  readonly familyId: string;
}

/** Families in memory, about 1 KB each; the one that came first goes first, and comes again when it is used. */
const MOST_FAMILIES = 4_096;

interface Known {
  readonly tag: string;
  readonly stored: string;
  readonly record: FamilyRecord;
}

/**
 * Records that were sealed or opened here: one that lies in Redis character for character as it is known needs no second
 * opening. That spares a client that stays with one gateway 9 µs of a refresh. Redis is asked all the same.
 */
export class KnownRecords {
  private readonly known = new Map<string, Known>();

  constructor(private readonly mostFamilies = MOST_FAMILIES) {}

  find({ tag, familyId }: FamilyPlace, stored: string): FamilyRecord | undefined {
    const known = this.known.get(familyId);
    return known?.stored === stored && known.tag === tag ? known.record : undefined;
  }

  add({ tag, familyId }: FamilyPlace, stored: string, record: FamilyRecord): void {
    this.known.set(familyId, { tag, stored, record });
    if (this.known.size > this.mostFamilies) this.forgetOldest();
  }

  private forgetOldest(): void {
    for (const familyId of this.known.keys()) return void this.known.delete(familyId);
  }
}
