/** The only place that spells the Redis keys of an environment. `{}` keeps them in one cluster slot. */
export const redisKeysOf = (environment: string) => {
  const prefix = `gw:{${environment}}`;
  return {
    keyRing: `${prefix}:key-ring`,
    heads: `${prefix}:heads`,
    artifacts: `${prefix}:artifacts`,
    lastGood: `${prefix}:last-good`,
    log: `${prefix}:log`,
    sequences: `${prefix}:sequences`,
    position: `${prefix}:position`,
    checkpoint: `${prefix}:checkpoint`,
    leases: `${prefix}:leases`,
    leaseTimes: `${prefix}:lease-times`,
    keySets: (origin: 'policy' | 'variable') => ({
      attempts: `${prefix}:key-sets:${origin}:attempts`,
      documents: `${prefix}:key-sets:${origin}:documents`,
      uses: `${prefix}:key-sets:${origin}:uses`,
    }),
    identities: (kind: string) => `${prefix}:identities:${kind}`,
    topic: (topic: 'changes' | 'leases') => `${prefix}:topic:${topic}`,
  };
};
