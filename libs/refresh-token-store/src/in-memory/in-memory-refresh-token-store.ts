import { randomBytes } from 'node:crypto';
import { decideRotation, inspectFamily, livingFamilies } from '../family/decide-rotation.ts';
import { advanceFamily, openFamily, type FamilyRecord, type GivenToken } from '../family/family-record.ts';
import {
  SeenRefreshToken,
  type RefreshTokenExpectation,
  type RefreshTokenFamily,
  type RefreshTokenInspection,
  type RefreshTokenIssue,
  type RefreshTokenOwner,
  type RefreshTokenRefusal,
  type RefreshTokenRotation,
  type RefreshTokenRules,
  type RefreshTokenStore,
  type RefreshTokenSubject,
} from '../refresh-token-store.port.ts';
import { deriveStoreKeys } from '../token/store-keys.ts';
import { TokenTexts, type TokenParts } from '../token/token-text.ts';

interface HeldFamily {
  readonly record: FamilyRecord;
  readonly newestToken: string;
}

/** Families of one owner by id, in the order of their logins. */
type OwnersFamilies = Map<string, HeldFamily>;

/** One process, no server, nothing kept: every step is atomic because nothing in it waits. */
export class InMemoryRefreshTokenStore implements RefreshTokenStore {
  private readonly texts = new TokenTexts(deriveStoreKeys(randomBytes(32), 'in-memory'));
  private readonly owners = new Map<string, OwnersFamilies>();
  /** Families ended by a reuse, until when they would have lived. */
  private readonly reusedUntilMs = new Map<string, number>();

  /** `gatewayId`: which gateway this is. */
  constructor(private readonly options: { readonly gatewayId?: string | undefined } = {}) {}

  async issue(subject: RefreshTokenSubject, rules: RefreshTokenRules, nowMs: number): Promise<RefreshTokenIssue> {
    const tag = this.texts.tagOf(subject);
    const families = this.owners.get(tag) ?? new Map<string, HeldFamily>();
    this.forgetExpired(families, nowMs);
    if (rules.activeCount !== undefined && families.size >= rules.activeCount) {
      if (rules.limitAction === 'REJECT') return { kind: 'limit-reached' };
      const oldest = [...families.keys()].slice(0, families.size - rules.activeCount + 1);
      for (const familyId of oldest) families.delete(familyId);
    }
    const token = this.texts.first(tag);
    const record = openFamily(subject, this.given(token, rules, nowMs));
    families.set(token.familyId, { record, newestToken: token.text });
    this.owners.set(tag, families);
    return { kind: 'issued', token: token.text, familyId: token.familyId, expiresAtMs: record.expiresAtMs };
  }

  async rotate(
    token: string | SeenRefreshToken,
    expected: RefreshTokenExpectation,
    rules: RefreshTokenRules,
    nowMs: number,
  ): Promise<RefreshTokenRotation> {
    const presented = this.texts.read(typeof token === 'string' ? token : token.token);
    const family = this.familyOf(presented);
    if (presented === undefined || family === undefined) return this.absent(presented, nowMs);
    const decision = decideRotation(family.record, { tokenHash: presented.hash, expected, nowMs }, rules);
    const { familyId } = presented;
    switch (decision.kind) {
      case 'refuse':
        return { kind: decision.outcome };
      case 'end':
        this.owners.get(presented.tag)?.delete(familyId);
        if (decision.outcome !== 'reused') return { kind: decision.outcome };
        this.reusedUntilMs.set(familyId, family.record.expiresAtMs);
        return { kind: 'reused', familyId };
      case 'repeat': {
        const { subject, startedAtMs, expiresAtMs } = family.record;
        return { kind: 'repeated', token: family.newestToken, familyId, expiresAtMs, subject, startedAtMs };
      }
      case 'advance': {
        const successor = this.texts.successorOf(presented);
        const record = advanceFamily(family.record, this.given(successor, rules, nowMs));
        this.owners.get(presented.tag)?.set(familyId, { record, newestToken: successor.text });
        const { subject, startedAtMs, expiresAtMs } = record;
        return { kind: 'rotated', token: successor.text, familyId, expiresAtMs, subject, startedAtMs };
      }
    }
  }

  async inspect(token: string, expected: RefreshTokenExpectation, nowMs: number): Promise<RefreshTokenInspection> {
    const presented = this.texts.read(token);
    const family = this.familyOf(presented);
    if (presented === undefined || family === undefined) return this.absent(presented, nowMs);
    const { familyId, hash: tokenHash } = presented;
    return inspectFamily(family.record, { tokenHash, expected, nowMs, familyId }, new SeenRefreshToken(token));
  }

  async revokeToken(token: string): Promise<boolean> {
    const presented = this.texts.read(token);
    return presented !== undefined && this.owners.get(presented.tag)?.delete(presented.familyId) === true;
  }

  async revokeFamily(owner: RefreshTokenOwner, familyId: string): Promise<boolean> {
    return this.owners.get(this.texts.tagOf(owner))?.delete(familyId) === true;
  }

  async revokeSubject(owner: RefreshTokenOwner): Promise<number> {
    const tag = this.texts.tagOf(owner);
    const count = this.owners.get(tag)?.size ?? 0;
    this.owners.delete(tag);
    return count;
  }

  async familiesOf(owner: RefreshTokenOwner, nowMs: number): Promise<readonly RefreshTokenFamily[]> {
    const families = [...(this.owners.get(this.texts.tagOf(owner)) ?? [])];
    return livingFamilies(
      families.map(([familyId, { record }]) => [familyId, record] as const),
      nowMs,
    );
  }

  async activeCount(owner: RefreshTokenOwner, nowMs: number): Promise<number> {
    const families = this.owners.get(this.texts.tagOf(owner))?.values() ?? [];
    return [...families].filter(({ record }) => record.expiresAtMs > nowMs).length;
  }

  async liveFamilies(nowMs: number): Promise<number> {
    const families = [...this.owners.values()].flatMap((ofOwner) => [...ofOwner.values()]);
    return families.filter(({ record }) => record.expiresAtMs > nowMs).length;
  }

  private given({ hash }: TokenParts, rules: RefreshTokenRules, nowMs: number): GivenToken {
    return { hash, rules, nowMs, gatewayId: this.options.gatewayId };
  }

  private familyOf(token: TokenParts | undefined): HeldFamily | undefined {
    return token && this.owners.get(token.tag)?.get(token.familyId);
  }

  private absent(
    token: TokenParts | undefined,
    nowMs: number,
  ): Extract<RefreshTokenRefusal, { kind: 'reused' | 'unknown' }> {
    if (token === undefined) return { kind: 'unknown' };
    const { familyId } = token;
    const untilMs = this.reusedUntilMs.get(familyId);
    return untilMs !== undefined && nowMs < untilMs ? { kind: 'reused', familyId } : { kind: 'unknown' };
  }

  private forgetExpired(families: OwnersFamilies, nowMs: number): void {
    for (const [familyId, { record }] of families) {
      if (record.expiresAtMs <= nowMs) families.delete(familyId);
    }
    for (const [familyId, untilMs] of this.reusedUntilMs) {
      if (untilMs <= nowMs) this.reusedUntilMs.delete(familyId);
    }
  }
}
