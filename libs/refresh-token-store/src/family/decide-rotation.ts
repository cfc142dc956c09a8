import type {
  RefreshTokenExpectation,
  RefreshTokenFamily,
  RefreshTokenInspection,
  RefreshTokenRules,
} from '../refresh-token-store.port.ts';
import type { FamilyRecord } from './family-record.ts';

/** What presenting a token of a living family leads to; the adapters carry it out. */
export type RotationDecision =
  | { readonly kind: 'advance' }
  /** Give the newest token again; where it cannot be had any more, end the family as reused. */
  | { readonly kind: 'repeat' }
  | { readonly kind: 'end'; readonly outcome: 'reused' | 'uses-exhausted' }
  | { readonly kind: 'refuse'; readonly outcome: 'foreign' | 'expired' };

const isForeign = ({ subject }: FamilyRecord, expected: RefreshTokenExpectation): boolean =>
  subject.proxyId !== expected.proxyId || subject.policy !== expected.policy || subject.clientId !== expected.clientId;

export interface Presentation {
  readonly tokenHash: string;
  readonly expected: RefreshTokenExpectation;
  readonly nowMs: number;
}

/**
 * A foreign token is settled first, so that nobody can end another client's family. Expiry comes before reuse: an
 * expired family has nothing left to protect.
 */
export function decideRotation(
  family: FamilyRecord,
  presented: Presentation,
  rules: Pick<RefreshTokenRules, 'maxUses'>,
): RotationDecision {
  if (isForeign(family, presented.expected)) return { kind: 'refuse', outcome: 'foreign' };
  if (presented.nowMs >= family.expiresAtMs) return { kind: 'refuse', outcome: 'expired' };
  if (presented.tokenHash === family.newestHash) {
    const isExhausted = rules.maxUses !== undefined && family.uses >= rules.maxUses;
    return isExhausted ? { kind: 'end', outcome: 'uses-exhausted' } : { kind: 'advance' };
  }
  const isRetry = presented.tokenHash === family.previousHash && presented.nowMs < family.graceUntilMs;
  return isRetry ? { kind: 'repeat' } : { kind: 'end', outcome: 'reused' };
}

export function inspectFamily(family: FamilyRecord, familyId: string, presented: Presentation): RefreshTokenInspection {
  if (isForeign(family, presented.expected)) return { kind: 'foreign' };
  if (presented.nowMs >= family.expiresAtMs) return { kind: 'expired' };
  if (presented.tokenHash !== family.newestHash) return { kind: 'used' };
  const { subject, startedAtMs, issuedAtMs, expiresAtMs } = family;
  return { kind: 'live', familyId, subject, startedAtMs, issuedAtMs, expiresAtMs };
}

/** What may be told of families: those that live, oldest login first. */
export function livingFamilies(
  families: Iterable<readonly [familyId: string, FamilyRecord]>,
  nowMs: number,
): RefreshTokenFamily[] {
  return [...families]
    .filter(([, family]) => family.expiresAtMs > nowMs)
    .map(([familyId, { subject, startedAtMs, issuedAtMs, expiresAtMs, uses }]) => ({
      ...{ familyId, subject, startedAtMs, issuedAtMs, expiresAtMs, uses },
    }))
    .sort((left, right) => left.startedAtMs - right.startedAtMs || (left.familyId < right.familyId ? -1 : 1));
}
