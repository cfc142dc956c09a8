import type { ChannelKeys } from '#libs/config-distribution';

/** What a gateway learns of its environment beside its configuration, at every look. */
export interface FollowedNews {
  /** Whether it was read, by this run or an earlier one; a gateway serves nothing that it learns before. */
  readonly isKnown: boolean;
  /**
   * Knows again what the last run kept on disk.
   *
   * @returns whether all of that could be read, or nothing was there
   */
  restore(keys: ChannelKeys): Promise<boolean>;
  /**
   * Reads what is new, and keeps it on disk.
   *
   * @returns whether that is to be told in the lease
   * @throws ChannelUnavailable, RevocationLedgerUnavailable: Redis is away
   */
  refresh(keys: ChannelKeys): Promise<boolean>;
}
