import type { CredentialRecord } from '#libs/policy-contracts';

export type UserStanding =
  | { readonly kind: 'good'; readonly credential: CredentialRecord }
  | { readonly kind: 'unknown-user' | 'foreign-user' | 'disabled-user' | 'expired-user' };

/** Whether a user may have tokens of a project now. A date that cannot be read counts as past. */
export function standingOf(credential: CredentialRecord | undefined, project: string, nowMs: number): UserStanding {
  if (credential === undefined) return { kind: 'unknown-user' };
  if (credential.project !== project) return { kind: 'foreign-user' };
  if (!credential.enabled) return { kind: 'disabled-user' };
  const isPast = credential.expiresAt !== null && !(Date.parse(credential.expiresAt) > nowMs);
  return isPast ? { kind: 'expired-user' } : { kind: 'good', credential };
}
