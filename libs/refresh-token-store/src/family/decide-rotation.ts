import type {
  RefreshTokenExpectation,
  RefreshTokenFamily,
  RefreshTokenInspection,
  RefreshTokenRules,
  SeenRefreshToken,
} from '../refresh-token-store.port.ts';
import { endOfLogin, type FamilyRecord } from './family-record.ts';

/** What presenting a token of a living family leads to; the adapters carry it out. */
export type RotationDecision =
  | { readonly kind: 'advance' }
  /** Give the newest token again; where it cannot be had any more, end the family as reused. */
  | { readonly kind: 'repeat' }
  | { readonly kind: 'end'; readonly outcome: 'reused' | 'uses-exhausted' | 'expired' }
  | { readonly kind: 'refuse'; readonly outcome: 'foreign' | 'expired' };

const isForeign = ({ subject }: FamilyRecord, { clientId, proxyId, policy }: RefreshTokenExpectation): boolean =>
  subject.clientId !== clientId ||
  (proxyId !== undefined && subject.proxyId !== proxyId) ||
  (policy !== undefined && subject.policy !== policy);

export interface Presentation {
  readonly tokenHash: string;
  readonly expected: RefreshTokenExpectation;
  readonly nowMs: number;
}

/** What the rules of now say against refreshing a login once more; undefined: nothing. */
export function whyLoginIsOver(
  { uses, startedAtMs }: Pick<FamilyRecord, 'uses' | 'startedAtMs'>,
  rules: RefreshTokenRules,
  nowMs: number,
): 'uses-exhausted' | 'expired' | undefined {
  if (rules.maxUses !== undefined && uses >= rules.maxUses) return 'uses-exhausted';
  return nowMs >= endOfLogin(startedAtMs, rules) ? 'expired' : undefined;
}

/**
 * A foreign token is settled first, so that nobody can end another client's family. Expiry comes before reuse: an
 * expired family has nothing left to protect. A login whose longest life was shortened meanwhile ends with its next
 * rotation: a successor would be expired when it is given.
 */
export function decideRotation(
  family: FamilyRecord,
  presented: Presentation,
  rules: RefreshTokenRules,
): RotationDecision {
  if (isForeign(family, presented.expected)) return { kind: 'refuse', outcome: 'foreign' };
  if (presented.nowMs >= family.expiresAtMs) return { kind: 'refuse', outcome: 'expired' };
  if (presented.tokenHash === family.newestHash) {
    const outcome = whyLoginIsOver(family, rules, presented.nowMs);
    return outcome === undefined ? { kind: 'advance' } : { kind: 'end', outcome };
  }
  const isRetry = presented.tokenHash === family.previousHash && presented.nowMs < family.graceUntilMs;
  return isRetry ? { kind: 'repeat' } : { kind: 'end', outcome: 'reused' };
}

/** What a look at a token finds; `seen` goes with a token that is live. */
export function inspectFamily(
  family: FamilyRecord,
  presented: Presentation & { readonly familyId: string },
  seen: SeenRefreshToken,
): RefreshTokenInspection {
  if (isForeign(family, presented.expected)) return { kind: 'foreign' };
  if (presented.nowMs >= family.expiresAtMs) return { kind: 'expired' };
  const { familyId } = presented;
  const { subject, uses, startedAtMs, issuedAtMs, expiresAtMs, accessEndsAtMs } = family;
  if (presented.tokenHash !== family.newestHash) {
    return { kind: 'used', familyId, subject, accessEndsAtMs, expiresAtMs };
  }
  return { kind: 'live', seen, familyId, subject, uses, startedAtMs, issuedAtMs, expiresAtMs, accessEndsAtMs };
}

/** What may be told of families: those that live, oldest login first. */
export function livingFamilies(
  families: Iterable<readonly [familyId: string, FamilyRecord]>,
  nowMs: number,
): RefreshTokenFamily[] {
  return [...families]
    .filter(([, family]) => family.expiresAtMs > nowMs)
    .map(([familyId, { subject, startedAtMs, issuedAtMs, expiresAtMs, uses, startedBy, givenBy }]) => ({
      ...{ familyId, subject, startedAtMs, issuedAtMs, expiresAtMs, uses, startedBy },
      lastUsedAtMs: uses === 0 ? undefined : issuedAtMs,
      lastGateway: givenBy?.uses === uses ? givenBy.gateway : undefined,
    }))
    .sort((left, right) => left.startedAtMs - right.startedAtMs || (left.familyId < right.familyId ? -1 : 1));
}
