/** Keys of one owner, and of one of its families. */
export interface RefreshTokenKeys {
  /** Hash: family id -> sealed record. A family lives exactly as long as it is in here. */
  readonly families: string;
  /** Sorted set: family id by the expiry of its newest token. */
  readonly active: string;
  /** Sorted set: family id by the order of the logins. */
  readonly order: string;
  /** String: the newest token of the family, sealed for who presents the one before; lives as long as the grace. */
  readonly successor: string;
  /** String: marks a family ended by reuse, for as long as it would have lived. */
  readonly reused: string;
}

/** Sorted set: every living family of an environment by the expiry of its newest token; in a slot of its own. */
export const liveFamiliesKey = (environment: string): string => `gw:${environment}:rt:live`;

/** This file alone spells Redis keys. `{}` keeps all keys of one owner in one cluster slot. */
export function refreshTokenKeys(environment: string, tag: string, familyId: string): RefreshTokenKeys {
  const prefix = `gw:${environment}:rt:{${tag}}`;
  return {
    families: `${prefix}:families`,
    active: `${prefix}:active`,
    order: `${prefix}:order`,
    successor: `${prefix}:successor:${familyId}`,
    reused: `${prefix}:reused:${familyId}`,
  };
}
