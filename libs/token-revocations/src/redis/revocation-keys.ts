/** The only place that spells the ledger's Redis keys. `{}` keeps them in one cluster slot. */
export const revocationKeysOf = (environment: string) => {
  const prefix = `gw:{${environment}}:revocations`;
  return {
    /** String: `<epoch> <sequence>`. */
    position: `${prefix}:position`,
    /** Hash: id -> sealed entry. */
    entries: `${prefix}:entries`,
    /** Sorted set: id by the sequence it was written under last. An entry counts as held for as long as it is in here. */
    sequences: `${prefix}:sequences`,
    /** Sorted set: id by the end of what it says, epoch milliseconds; +inf: never. */
    ends: `${prefix}:ends`,
  };
};

/** Every key of the ledger with its kind, as `TYPE` of Redis names it. */
export function revocationKinds(environment: string): readonly (readonly [string, 'string' | 'hash' | 'zset'])[] {
  const { position, entries, sequences, ends } = revocationKeysOf(environment);
  return [
    [position, 'string'],
    [entries, 'hash'],
    [sequences, 'zset'],
    [ends, 'zset'],
  ];
}

export type RevocationKeys = ReturnType<typeof revocationKeysOf>;
