import {
  type ChannelKeys,
  type KeySetAttempt,
  type KeySetEntry,
  type KeySetShelf,
  type KeySetSubject,
  keySetEntry,
  openKeySet,
  openKeySetAttempt,
  sealKeySet,
  sealKeySetAttempt,
  type SharedKeySet,
} from '#libs/config-distribution';

/** What lies on the shelf that no gateway of the environment put there. */
export type AlteredText = 'altered-key-set' | 'altered-key-set-attempt';

export interface SeenAttempt {
  /** What stands there, whatever it is; undefined: nothing. */
  readonly sealed: string | undefined;
  /** undefined: nothing that counts. */
  readonly content: KeySetAttempt | undefined;
}

/** One key set on the shelf of the environment, opened and sealed. Throws ChannelUnavailable when Redis is away. */
export class ShelvedSet {
  private readonly entry: KeySetEntry;

  /** @param onAltered what does not open counts as absent, and is told */
  constructor(
    private readonly shelf: KeySetShelf,
    private readonly keys: ChannelKeys,
    private readonly subject: KeySetSubject,
    private readonly onAltered: (what: AlteredText, entry: KeySetEntry) => void,
  ) {
    this.entry = keySetEntry(keys, subject);
  }

  async attempt(): Promise<SeenAttempt> {
    const sealed = await this.shelf.attempt(this.entry);
    if (sealed === undefined) return { sealed, content: undefined };
    const content = openKeySetAttempt(this.keys, this.subject, sealed);
    if (content === undefined) this.onAltered('altered-key-set-attempt', this.entry);
    return { sealed, content };
  }

  async document(): Promise<SharedKeySet | undefined> {
    const sealed = await this.shelf.document(this.entry);
    if (sealed === undefined) return undefined;
    const content = openKeySet(this.keys, this.subject, sealed);
    if (content === undefined) this.onAltered('altered-key-set', this.entry);
    return content;
  }

  /** As {@link SeenAttempt.sealed}. */
  sealed(attempt: KeySetAttempt): string {
    return sealKeySetAttempt(this.keys, this.subject, attempt);
  }

  /** As {@link KeySetShelf.replace}. */
  replace(expected: string | undefined, sealedAttempt: string, document?: SharedKeySet): Promise<boolean> {
    const sealed = document && sealKeySet(this.keys, this.subject, document);
    return this.shelf.replace(this.entry, expected, sealedAttempt, sealed);
  }
}
