import { openIdentity, type ChannelKeys, type StoredIdentity } from '#libs/config-distribution';
import { parseCredentialRecord } from '#libs/policy-contracts';
import { CredentialRule } from '../token-endpoint/identity/user-standing.ts';

/** What is kept of a credential on disk: the newest record, as it was received, and its removal. */
export interface KeptCredential {
  readonly subject: string;
  readonly record: { readonly version: number; readonly sealed: string } | null;
  /** Version of the removal that came after the record; null: it was not removed. */
  readonly removal: number | null;
}

/**
 * What became of something that was read: `same` and `news` are genuine, `altered` and `older` are refused; `untold`: nothing
 * is there, and may be told yet.
 */
export type Taken = 'same' | 'news' | 'absent' | 'untold' | 'altered' | 'older';

type Read = Pick<StoredIdentity, 'version' | 'sealed'>;

const isSame = (one: Read | undefined, other: Read): boolean =>
  one?.version === other.version && one.sealed === other.sealed;

/**
 * What this gateway knows of one credential. An older record never replaces a newer one, what was not sealed for this user
 * changes nothing, and neither does a Redis that lost the record.
 *
 * A removal says so unsealed: anybody could have written it. So it is obeyed, since it lets nobody in, but fences nothing:
 * every record that is newer than the last one ends it.
 */
export class KnownCredential {
  private isAsked = false;
  private record: { readonly version: number; readonly sealed: string; readonly rule: CredentialRule } | undefined;
  private removal: number | undefined;
  /** What was refused last, and so was reported. */
  private refused: Read | undefined;

  constructor(readonly subject: string) {}

  /** undefined: nobody of this name is there; `unknown`: that was not asked, or could not be. */
  get rule(): CredentialRule | undefined | 'unknown' {
    if (this.removal !== undefined) return undefined;
    return this.record?.rule ?? (this.isAsked ? undefined : 'unknown');
  }

  get kept(): KeptCredential | undefined {
    const { subject, record, removal = null } = this;
    if (record === undefined && removal === null) return undefined;
    return {
      subject,
      record: record === undefined ? null : { version: record.version, sealed: record.sealed },
      removal,
    };
  }

  /** Learns that nothing stands in Redis, which means nobody once the environment was told of all. */
  takeNothing(isToldOfAll: boolean): Taken {
    this.isAsked ||= isToldOfAll;
    return isToldOfAll ? 'absent' : 'untold';
  }

  /** Learns what stands in Redis. What was refused before is `same` when it is still there. */
  take(keys: ChannelKeys, stored: StoredIdentity): Taken {
    this.isAsked = true;
    const taken = stored.sealed === null ? this.takeRemoval(stored) : this.takeRecord(keys, stored, stored.sealed);
    if (taken !== 'altered' && taken !== 'older') {
      this.refused = undefined;
      return taken;
    }
    if (isSame(this.refused, stored)) return 'same';
    this.refused = stored;
    return taken;
  }

  private takeRemoval({ version }: StoredIdentity): Taken {
    if (version === this.removal) return 'same';
    if (version <= (this.record?.version ?? 0)) return 'older';
    this.removal = version;
    return 'news';
  }

  private takeRecord(keys: ChannelKeys, stored: StoredIdentity, sealed: string): Taken {
    const { record, removal } = this;
    const { version } = stored;
    if (removal === undefined && isSame(record, stored)) return 'same';
    const parsed = parseCredentialRecord(openIdentity(keys, stored));
    if (!parsed.ok || parsed.value.username !== this.subject) return 'altered';
    if (record !== undefined && (version < record.version || (version === record.version && removal !== undefined))) {
      return 'older';
    }
    this.record = { version, sealed, rule: new CredentialRule(parsed.value) };
    this.removal = undefined;
    return 'news';
  }
}
