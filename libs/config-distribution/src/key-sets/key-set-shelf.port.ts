/**
 * Where the gateways of one environment lay down the key sets that one of them fetched, for the others: texts that are
 * sealed elsewhere. Of each set two stand there: the last attempt to fetch it, and the last document that came.
 *
 * Forgets what nothing was written of for so long as the adapter was told. All of it throws ChannelUnavailable when Redis
 * cannot be reached.
 */
export interface KeySetShelf {
  /** undefined: none. What is no sealed text at all is given as some text that does not open. */
  attempt(entry: KeySetEntry): Promise<string | undefined>;
  document(entry: KeySetEntry): Promise<string | undefined>;
  /**
   * In one step: puts an attempt in the place of the expected one, and a document that it brought beside it; one that is
   * there stays when it brought none. Of many that expect the same, one gets through.
   *
   * @param expected as `attempt` gave it
   * @returns false when another one stands there: nothing was written
   */
  replace(entry: KeySetEntry, expected: string | undefined, attempt: string, document?: string): Promise<boolean>;
}

/** A set's place. Sets whose addresses came from variables are bounded apart: they push out none that policies name. */
export interface KeySetEntry {
  readonly origin: 'policy' | 'variable';
  /** Tells nothing of the address. */
  readonly name: string;
}

/** How much a shelf keeps: it shall not fill a Redis that refuses writes when it is full. */
export const KEY_SET_SHELF_LIMITS = {
  /** Sets; beyond it those written of longest ago go. */
  sets: { policy: 10_000, variable: 1_000 },
  /** Of sealed texts, in bytes: longer ones are not even read. */
  attemptBytes: 4_096,
  documentBytes: 2 * 1024 * 1024,
} as const;
