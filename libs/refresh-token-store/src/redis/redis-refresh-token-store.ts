import type { Cluster, Redis } from 'ioredis';
import { decideRotation, inspectFamily, livingFamilies } from '../family/decide-rotation.ts';
import { advanceFamily, openFamily, type FamilyRecord } from '../family/family-record.ts';
import {
  RefreshTokenStoreUnavailable,
  type RefreshTokenExpectation,
  type RefreshTokenFamily,
  type RefreshTokenInspection,
  type RefreshTokenIssue,
  type RefreshTokenOwner,
  type RefreshTokenRotation,
  type RefreshTokenRules,
  type RefreshTokenStore,
  type RefreshTokenSubject,
} from '../refresh-token-store.port.ts';
import { deriveStoreKeys } from '../token/store-keys.ts';
import { TokenTexts, type TokenParts } from '../token/token-text.ts';
import { FamilySeals, type FamilyPlace } from './family-seals.ts';
import { refreshTokenKeys, type RefreshTokenKeys } from './refresh-token-keys.ts';
import { defineRefreshTokenScripts, type RefreshTokenScripts } from './refresh-token-scripts.ts';

export const REDIS_REFRESH_TOKEN_STORE_DEFAULTS = {
  /** How long a step may take before it counts as unavailable, in milliseconds. */
  answerTimeoutMs: 2_000,
} as const;

/** Keys outlive their tokens by this, in milliseconds, so that a gateway whose clock is behind loses nothing. */
const KEY_MARGIN_MS = 60_000;
/** A token loses its race at most once: afterwards it is used. The rest is room for a family that is being altered. */
const MOST_ATTEMPTS = 5;

type Stored =
  | { readonly kind: 'held'; readonly sealed: string; readonly record: FamilyRecord; readonly successor: string }
  | { readonly kind: 'unknown' | 'reused' | 'altered' };

interface Rotation {
  readonly presented: TokenParts;
  readonly rules: RefreshTokenRules;
  readonly nowMs: number;
}

/**
 * Families in the environment's Redis. A script never decides about a token: the record is read, its seal checked, the
 * decision taken here, and one script then carries it out only if the record is still, byte for byte, the one that was
 * read. Redis removes everything by itself; times to live are relative, so clocks need not agree with the server's.
 */
export class RedisRefreshTokenStore implements RefreshTokenStore {
  private readonly scripts: RefreshTokenScripts;
  private readonly texts: TokenTexts;
  private readonly seals: FamilySeals;
  private readonly answerTimeoutMs: number;

  /**
   * @param key 32 bytes derived from the environment's key for this purpose.
   * @throws RangeError when the key has another length or the environment's name would break the cluster slot.
   */
  constructor(
    private readonly redis: Redis | Cluster,
    private readonly environment: string,
    key: Buffer,
    options: { readonly answerTimeoutMs?: number } = {},
  ) {
    if (/[{}]/.test(environment)) throw new RangeError('the name of an environment must not contain braces');
    const keys = deriveStoreKeys(key, environment);
    this.texts = new TokenTexts(keys);
    this.seals = new FamilySeals(environment, keys);
    this.answerTimeoutMs = options.answerTimeoutMs ?? REDIS_REFRESH_TOKEN_STORE_DEFAULTS.answerTimeoutMs;
    this.scripts = defineRefreshTokenScripts(redis);
  }

  async issue(subject: RefreshTokenSubject, rules: RefreshTokenRules, nowMs: number): Promise<RefreshTokenIssue> {
    const token = this.texts.first(this.texts.tagOf(subject));
    const record = openFamily(subject, token.hash, rules, nowMs);
    const { families, active, order } = this.keysOf(token);
    const limit = rules.activeCount ?? '';
    const expiry = [nowMs, record.expiresAtMs, rules.lifeMs + KEY_MARGIN_MS];
    const family = [token.familyId, this.seals.sealRecord(token, record)];
    const opened = await this.answer('issue', () =>
      this.scripts.gatewardenIssueRefreshToken(families, active, order, ...expiry, limit, rules.limitAction, ...family),
    );
    if (opened !== 1) return { kind: 'limit-reached' };
    return { kind: 'issued', token: token.text, familyId: token.familyId, expiresAtMs: record.expiresAtMs };
  }

  async rotate(
    token: string,
    expected: RefreshTokenExpectation,
    rules: RefreshTokenRules,
    nowMs: number,
  ): Promise<RefreshTokenRotation> {
    const presented = this.texts.read(token);
    if (presented === undefined) return { kind: 'unknown' };
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
      const stored = await this.read('rotate', presented);
      if (stored.kind !== 'held') return { kind: stored.kind };
      const outcome = await this.carryOut(stored, expected, { presented, rules, nowMs });
      if (outcome !== undefined) return outcome;
    }
    throw new RefreshTokenStoreUnavailable('rotate');
  }

  async inspect(token: string, expected: RefreshTokenExpectation, nowMs: number): Promise<RefreshTokenInspection> {
    const presented = this.texts.read(token);
    if (presented === undefined) return { kind: 'unknown' };
    const stored = await this.read('inspect', presented);
    if (stored.kind !== 'held') return { kind: stored.kind };
    return inspectFamily(stored.record, presented.familyId, { tokenHash: presented.hash, expected, nowMs });
  }

  async revokeToken(token: string): Promise<boolean> {
    const presented = this.texts.read(token);
    return presented !== undefined && this.end('revokeToken', presented);
  }

  async revokeFamily(owner: RefreshTokenOwner, familyId: string): Promise<boolean> {
    return this.end('revokeFamily', { tag: this.texts.tagOf(owner), familyId });
  }

  async revokeSubject(owner: RefreshTokenOwner): Promise<number> {
    const { families, active, order } = this.keysOf({ tag: this.texts.tagOf(owner), familyId: '' });
    const end = () => this.scripts.gatewardenEndRefreshOwner(families, active, order);
    return Number(await this.answer('revokeSubject', end));
  }

  async familiesOf(owner: RefreshTokenOwner, nowMs: number): Promise<readonly RefreshTokenFamily[]> {
    const tag = this.texts.tagOf(owner);
    const { families } = this.keysOf({ tag, familyId: '' });
    const held = await this.answer('familiesOf', () => this.redis.hgetall(families));
    const opened = Object.entries(held).flatMap(([familyId, sealed]) => {
      const record = this.seals.openRecord({ tag, familyId }, sealed);
      return record === undefined ? [] : [[familyId, record] as const];
    });
    return livingFamilies(opened, nowMs);
  }

  async activeCount(owner: RefreshTokenOwner, nowMs: number): Promise<number> {
    const { active } = this.keysOf({ tag: this.texts.tagOf(owner), familyId: '' });
    return this.answer('activeCount', () => this.redis.zcount(active, `(${nowMs}`, '+inf'));
  }

  /** Undefined when the family changed since it was read. */
  private async carryOut(
    stored: Extract<Stored, { kind: 'held' }>,
    expected: RefreshTokenExpectation,
    rotation: Rotation,
  ): Promise<RefreshTokenRotation | undefined> {
    const { presented, rules, nowMs } = rotation;
    const decision = decideRotation(stored.record, { tokenHash: presented.hash, expected, nowMs }, rules);
    switch (decision.kind) {
      case 'refuse':
        return { kind: decision.outcome };
      case 'advance':
        return this.advance(stored, rotation);
      case 'repeat': {
        // Redis may have dropped the successor a moment before this gateway's clock ends the grace.
        if (stored.successor === '') return this.endAs('reused', stored, rotation);
        const token = this.seals.openSuccessor(presented, stored.successor);
        if (token === undefined) return { kind: 'altered' };
        const { subject, expiresAtMs } = stored.record;
        return { kind: 'repeated', token, familyId: presented.familyId, expiresAtMs, subject };
      }
      case 'end':
        return this.endAs(decision.outcome, stored, rotation);
    }
  }

  private async advance(
    stored: Extract<Stored, { kind: 'held' }>,
    { presented, rules, nowMs }: Rotation,
  ): Promise<RefreshTokenRotation | undefined> {
    const successor = this.texts.successorOf(presented);
    const record = advanceFamily(stored.record, successor.hash, rules, nowMs);
    const { families, active, order, successor: successorKey } = this.keysOf(presented);
    const change = [presented.familyId, stored.sealed, this.seals.sealRecord(presented, record)];
    const expiry = [record.expiresAtMs, rules.lifeMs + KEY_MARGIN_MS];
    const grace = [this.seals.sealSuccessor(presented, successor.text), rules.graceMs];
    const advanced = await this.answer('rotate', () =>
      this.scripts.gatewardenAdvanceRefreshFamily(
        families,
        active,
        order,
        successorKey,
        ...change,
        ...expiry,
        ...grace,
      ),
    );
    if (advanced !== 1) return undefined;
    const { subject, expiresAtMs } = record;
    return { kind: 'rotated', token: successor.text, familyId: presented.familyId, expiresAtMs, subject };
  }

  private async endAs(
    outcome: 'reused' | 'uses-exhausted',
    { sealed, record }: Extract<Stored, { kind: 'held' }>,
    { presented, nowMs }: Rotation,
  ): Promise<RefreshTokenRotation | undefined> {
    const markMs = outcome === 'reused' ? record.expiresAtMs - nowMs : 0;
    return (await this.end('rotate', presented, { sealed, markMs })) ? { kind: outcome } : undefined;
  }

  private async end(step: string, place: FamilyPlace, read = { sealed: '', markMs: 0 }): Promise<boolean> {
    const { families, active, order, successor, reused } = this.keysOf(place);
    const what = [place.familyId, read.sealed, read.markMs];
    const end = () => this.scripts.gatewardenEndRefreshFamily(families, active, order, successor, reused, ...what);
    return (await this.answer(step, end)) === 1;
  }

  private async read(step: string, presented: TokenParts): Promise<Stored> {
    const { families, successor: successorKey, reused } = this.keysOf(presented);
    const read = () => this.scripts.gatewardenReadRefreshFamily(families, successorKey, reused, presented.familyId);
    const [sealed, successor, isReused] = (await this.answer(step, read)) as [string, string, number];
    if (sealed === '') return { kind: isReused === 1 ? 'reused' : 'unknown' };
    const record = this.seals.openRecord(presented, sealed);
    return record === undefined ? { kind: 'altered' } : { kind: 'held', sealed, record, successor };
  }

  private keysOf({ tag, familyId }: FamilyPlace): RefreshTokenKeys {
    return refreshTokenKeys(this.environment, tag, familyId);
  }

  /** A late answer is dropped: who waited has been told that the step may or may not have been done. */
  private async answer<Reply>(step: string, send: () => Promise<Reply>): Promise<Reply> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer in ${this.answerTimeoutMs} ms`)), this.answerTimeoutMs);
    });
    try {
      return await Promise.race([send(), late]);
    } catch (cause) {
      throw new RefreshTokenStoreUnavailable(step, { cause });
    } finally {
      clearTimeout(timer);
    }
  }
}
