import type { FamilyRecord } from '../family/family-record.ts';
import type { RefreshTokenRefusal } from '../refresh-token-store.port.ts';
import type { TokenParts } from '../token/token-text.ts';

/** What Redis said of a family. */
export interface StoredFamily {
  /** Record as it lies in Redis: a step is carried out only while it is still this. */
  readonly sealed: string;
  /** Sealed successor; '' where there is none. */
  readonly successor: string;
  /** By how much the server's clock was ahead of `performance.now()`, in milliseconds. */
  readonly serverAheadMs: number;
}

/** A family as it was read for a token. */
export class HeldFamily {
  readonly kind = 'held';

  constructor(
    readonly presented: TokenParts,
    readonly record: FamilyRecord,
    readonly stored: StoredFamily,
  ) {}
}

export type Stored = HeldFamily | Extract<RefreshTokenRefusal, { kind: 'unknown' | 'reused' | 'altered' }>;
