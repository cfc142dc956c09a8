/**
 * Every advisory lock by number of a database. Arbitrary, the same in every process, and listed in one place because two that
 * are alike hold each other up without a word. Locks that are named by a text (`hashtextextended`) do not meet these.
 */
export const ADVISORY_LOCKS = {
  /** Only one process migrates at a time, the others wait. */
  migration: 4_751_270_091,
  /** One process at a time takes a checkpoint. */
  checkpoint: 4_751_270_092,
  /** One re-wrap or resealing at a time. */
  masterKeyRewrap: 4_751_270_093,
} as const;
