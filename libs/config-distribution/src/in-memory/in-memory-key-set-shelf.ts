import { KEY_SET_SHELF_LIMITS, type KeySetEntry, type KeySetShelf } from '../key-sets/key-set-shelf.port.ts';

interface Kept {
  readonly attempt: string;
  readonly document: string | undefined;
  readonly writtenAtMs: number;
}

/** The shelf without a Redis: the same promises, for tests of what stands around it. */
export class InMemoryKeySetShelf implements KeySetShelf {
  /** Written of longest ago first. */
  private readonly kept = { policy: new Map<string, Kept>(), variable: new Map<string, Kept>() };

  constructor(
    private readonly keepMs: number,
    private readonly nowMs: () => number,
  ) {}

  async attempt({ origin, name }: KeySetEntry): Promise<string | undefined> {
    return this.kept[origin].get(name)?.attempt;
  }

  async document({ origin, name }: KeySetEntry): Promise<string | undefined> {
    return this.kept[origin].get(name)?.document;
  }

  async replace(
    { origin, name }: KeySetEntry,
    expected: string | undefined,
    attempt: string,
    document?: string,
  ): Promise<boolean> {
    const sets = this.kept[origin];
    const held = sets.get(name);
    if (held?.attempt !== expected) return false;
    const now = this.nowMs();
    sets.delete(name);
    sets.set(name, { attempt, document: document ?? held?.document, writtenAtMs: now });
    for (const [other, { writtenAtMs }] of sets) {
      const isSurplus = sets.size > KEY_SET_SHELF_LIMITS.sets[origin];
      if (isSurplus || writtenAtMs <= now - this.keepMs) sets.delete(other);
    }
    return true;
  }
}
