import { openIdentity, type ChannelKeys, type IdentityKind, type StoredIdentity } from '#libs/config-distribution';
import type { Parsed } from '#libs/policy-contracts';

/** Records in memory; the one that was opened longest ago goes first. */
const MOST_RECORDS = 4_096;

/** `altered`: not what the control plane sealed for this subject and version; `older`: than what was opened before. */
export type RecordProblem = 'altered' | 'older';

/** What a record says; undefined: nobody of this name is there. */
export interface OpenedRecord<Value> {
  readonly value: Value | undefined;
  readonly problem?: RecordProblem;
}

type Stored = StoredIdentity & { readonly kind: IdentityKind };

interface Known {
  readonly keys: ChannelKeys;
  readonly version: number;
  readonly sealed: string;
  readonly value: unknown;
  /** After this record came a removal: it does not count again, only a later one does. */
  readonly isRemoved: boolean;
}

/** One kind has one form: what is held under it was made by the same `parse`. */
const counting = <Value>({ isRemoved, value }: Known): OpenedRecord<Value> => ({
  value: isRemoved ? undefined : (value as Value),
});

const isBehind = (known: Known, version: number): boolean =>
  known.isRemoved ? version <= known.version : version < known.version;

/**
 * Records that were opened before: one whose sealed text is, character for character, the same needs no second opening.
 * Redis is asked all the same, so that a changed record counts at once; but never an older one than was opened here, which
 * somebody may have kept to bring a password or a role back.
 */
export class OpenedRecords {
  private readonly held = new Map<string, Known>();

  open<Value>(keys: ChannelKeys, stored: Stored, parse: (content: unknown) => Parsed<Value>): OpenedRecord<Value> {
    const { kind, subject, version, sealed } = stored;
    const place = `${kind} ${subject}`;
    const found = this.held.get(place);
    const known = found?.keys === keys ? found : undefined;
    if (sealed === null) return this.openRemoval(place, known, version);
    if (known?.sealed === sealed && known.version === version && !known.isRemoved) return counting(known);
    const parsed = parse(openIdentity(keys, stored));
    if (!parsed.ok) return { value: undefined, problem: 'altered' };
    if (known !== undefined && isBehind(known, version)) return { ...counting<Value>(known), problem: 'older' };
    this.hold(place, { keys, version, sealed, value: parsed.value, isRemoved: false });
    return { value: parsed.value };
  }

  /** A removal is not sealed: anybody could have written it. So it is obeyed, but its version fences nothing. */
  private openRemoval<Value>(place: string, known: Known | undefined, version: number): OpenedRecord<Value> {
    if (known === undefined || known.isRemoved) return { value: undefined };
    if (version <= known.version) return { ...counting<Value>(known), problem: 'older' };
    this.hold(place, { ...known, isRemoved: true });
    return { value: undefined };
  }

  private hold(place: string, known: Known): void {
    this.held.delete(place);
    this.held.set(place, known);
    if (this.held.size > MOST_RECORDS) this.forgetOldest();
  }

  private forgetOldest(): void {
    for (const place of this.held.keys()) return void this.held.delete(place);
  }
}
