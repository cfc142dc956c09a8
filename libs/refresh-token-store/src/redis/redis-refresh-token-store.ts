import type { Cluster, Redis } from 'ioredis';
import { decideRotation, inspectFamily, livingFamilies } from '../family/decide-rotation.ts';
import { advanceFamily, openFamily, type FamilyRecord, type GivenToken } from '../family/family-record.ts';
import {
  RefreshTokenStoreUnavailable,
  SeenRefreshToken,
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
import { FamilySeals } from './family-seals.ts';
import { HeldFamily, type Stored } from './held-family.ts';
import type { FamilyPlace } from './known-records.ts';
import { LiveFamilies } from './live-families.ts';
import { refreshTokenKeys, type RefreshTokenKeys } from './refresh-token-keys.ts';
import { defineRefreshTokenScripts, type RefreshTokenScripts } from './refresh-token-scripts.ts';

export const REDIS_REFRESH_TOKEN_STORE_DEFAULTS = {
  /** How long a step may take before it counts as unavailable, in milliseconds. */
  answerTimeoutMs: 2_000,
  /** How long keys outlive their tokens, in milliseconds, so that a gateway whose clock is behind loses nothing. */
  keyMarginMs: 60_000,
} as const;

export interface RedisRefreshTokenStoreOptions {
  readonly answerTimeoutMs?: number;
  readonly keyMarginMs?: number;
  /** Which gateway this is, for people to see; undefined: none, as in the control plane. */
  readonly gatewayId?: string | undefined;
}

/** A token loses its race at most once: afterwards it is used. The rest is room for a family that is being altered. */
const MOST_ATTEMPTS = 5;

interface Rotation {
  /** Read for a look before this rotation; undefined: there was none. */
  readonly seen: HeldFamily | undefined;
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
  private readonly live: LiveFamilies;
  private readonly options: RedisRefreshTokenStoreOptions & Record<'answerTimeoutMs' | 'keyMarginMs', number>;

  /**
   * @param key 32 bytes derived from the environment's key for this purpose.
   * @throws RangeError when the key has another length or the environment's name would break the cluster slot.
   */
  constructor(
    private readonly redis: Redis | Cluster,
    private readonly environment: string,
    key: Buffer,
    options: RedisRefreshTokenStoreOptions = {},
  ) {
    if (/[{}]/.test(environment)) throw new RangeError('the name of an environment must not contain braces');
    const keys = deriveStoreKeys(key, environment);
    this.texts = new TokenTexts(keys);
    this.seals = new FamilySeals(environment, keys);
    this.options = { ...REDIS_REFRESH_TOKEN_STORE_DEFAULTS, ...options };
    this.scripts = defineRefreshTokenScripts(redis);
    this.live = new LiveFamilies(this.scripts, environment);
  }

  async issue(subject: RefreshTokenSubject, rules: RefreshTokenRules, nowMs: number): Promise<RefreshTokenIssue> {
    const token = this.texts.first(this.texts.tagOf(subject));
    const record = openFamily(subject, this.given(token, rules, nowMs));
    const { families, active, order } = this.keysOf(token);
    const limit = rules.activeCount ?? '';
    const { familyId, text } = token;
    const { expiresAtMs } = record;
    const expiry = [nowMs, expiresAtMs, this.keyLifeMs(record, nowMs)];
    const family = [familyId, this.seals.sealRecord(token, record)];
    const issue = () =>
      this.scripts.gatewardenIssueRefreshToken(families, active, order, ...expiry, limit, rules.limitAction, ...family);
    const [opened, ...gone] = (await this.answer('issue', issue).catch((unavailable: unknown) => {
      this.takeBack(token);
      throw unavailable;
    })) as [number, ...string[]];
    this.live.ended(gone);
    if (opened !== 1) return { kind: 'limit-reached' };
    this.live.lives(familyId, expiresAtMs, nowMs);
    return { kind: 'issued', token: text, familyId, expiresAtMs };
  }

  async rotate(
    token: string | SeenRefreshToken,
    expected: RefreshTokenExpectation,
    rules: RefreshTokenRules,
    nowMs: number,
  ): Promise<RefreshTokenRotation> {
    const [text, read] = typeof token === 'string' ? [token] : [token.token, token.read];
    const seen = read instanceof HeldFamily ? read : undefined;
    let stored = seen ?? (await this.read('rotate', text));
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
      if (stored.kind !== 'held') return stored;
      const outcome = await this.carryOut(stored, expected, { seen, rules, nowMs });
      if (outcome !== undefined) return outcome;
      stored = await this.read('rotate', text);
    }
    throw new RefreshTokenStoreUnavailable('rotate');
  }

  async inspect(token: string, expected: RefreshTokenExpectation, nowMs: number): Promise<RefreshTokenInspection> {
    const stored = await this.read('inspect', token);
    if (stored.kind !== 'held') return stored;
    const { familyId, hash: tokenHash } = stored.presented;
    return inspectFamily(stored.record, { tokenHash, expected, nowMs, familyId }, new SeenRefreshToken(token, stored));
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
    const ended = (await this.answer('revokeSubject', end)) as string[];
    this.live.ended(ended);
    return ended.length;
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

  async liveFamilies(nowMs: number): Promise<number> {
    return this.answer('liveFamilies', () => this.live.count(nowMs));
  }

  /** Undefined when the family changed since it was read. */
  private async carryOut(
    held: HeldFamily,
    expected: RefreshTokenExpectation,
    rotation: Rotation,
  ): Promise<RefreshTokenRotation | undefined> {
    const { presented } = held;
    const { rules, nowMs } = rotation;
    const decision = decideRotation(held.record, { tokenHash: presented.hash, expected, nowMs }, rules);
    switch (decision.kind) {
      case 'refuse':
        // No script checks a refusal: it needs the family as it is now, which may show a reuse.
        return held === rotation.seen ? undefined : { kind: decision.outcome };
      case 'advance':
        return this.advance(held, rotation);
      case 'repeat': {
        // Redis may have dropped the successor a moment before this gateway's clock ends the grace.
        if (held.stored.successor === '') return this.endAs('reused', held, rotation);
        const token = this.seals.openSuccessor(presented, held.stored.successor);
        if (token === undefined) return { kind: 'altered' };
        const { subject, startedAtMs, expiresAtMs } = held.record;
        return { kind: 'repeated', token, familyId: presented.familyId, expiresAtMs, subject, startedAtMs };
      }
      case 'end':
        return this.endAs(decision.outcome, held, rotation);
    }
  }

  private async advance(
    { presented, record: before, stored }: HeldFamily,
    { rules, nowMs }: Rotation,
  ): Promise<RefreshTokenRotation | undefined> {
    const successor = this.texts.successorOf(presented);
    const record = advanceFamily(before, this.given(successor, rules, nowMs));
    const { families, active, order, successor: successorKey } = this.keysOf(presented);
    const { familyId } = presented;
    const { subject, startedAtMs, expiresAtMs } = record;
    const change = [familyId, stored.sealed, this.seals.sealRecord(presented, record)];
    const expiry = [expiresAtMs, this.keyLifeMs(record, nowMs)];
    const grace = [this.seals.sealSuccessor(presented, successor.text), rules.graceMs];
    const keys = [families, active, order, successorKey];
    const waitedForUntilMs = Math.floor(performance.now() + stored.serverAheadMs + this.options.answerTimeoutMs);
    const advanced = await this.answer('rotate', () =>
      this.scripts.gatewardenAdvanceRefreshFamily(...keys, ...change, ...expiry, ...grace, waitedForUntilMs),
    );
    if (advanced !== 1) return undefined;
    this.live.lives(familyId, expiresAtMs, nowMs);
    return { kind: 'rotated', token: successor.text, familyId, expiresAtMs, subject, startedAtMs };
  }

  private async endAs(
    outcome: 'reused' | 'uses-exhausted' | 'expired',
    { presented, record, stored: { sealed } }: HeldFamily,
    { nowMs }: Rotation,
  ): Promise<RefreshTokenRotation | undefined> {
    const markMs = outcome === 'reused' ? record.expiresAtMs - nowMs : 0;
    if (!(await this.end('rotate', presented, { sealed, markMs }))) return undefined;
    return outcome === 'reused' ? { kind: outcome, familyId: presented.familyId } : { kind: outcome };
  }

  /** A login that nobody was given must not count. Sent behind it, this reaches the server after it, however late that is. */
  private takeBack(token: TokenParts): void {
    this.end('issue', token).catch(() => undefined);
  }

  private async end(step: string, place: FamilyPlace, read = { sealed: '', markMs: 0 }): Promise<boolean> {
    const { families, active, order, successor, reused } = this.keysOf(place);
    const what = [place.familyId, read.sealed, read.markMs];
    const end = () => this.scripts.gatewardenEndRefreshFamily(families, active, order, successor, reused, ...what);
    const isEnded = (await this.answer(step, end)) === 1;
    if (isEnded) this.live.ended([place.familyId]);
    return isEnded;
  }

  private async read(step: string, token: string): Promise<Stored> {
    const presented = this.texts.read(token);
    if (presented === undefined) return { kind: 'unknown' };
    const { families, successor: successorKey, reused } = this.keysOf(presented);
    const read = () => this.scripts.gatewardenReadRefreshFamily(families, successorKey, reused, presented.familyId);
    const [sealed, successor, isReused, serverMs] = (await this.answer(step, read)) as [string, string, number, number];
    const { familyId } = presented;
    if (sealed === '') return isReused === 1 ? { kind: 'reused', familyId } : { kind: 'unknown' };
    const record = this.seals.openRecord(presented, sealed);
    if (record === undefined) return { kind: 'altered' };
    return new HeldFamily(presented, record, { sealed, successor, serverAheadMs: serverMs - performance.now() });
  }

  private given({ hash }: TokenParts, rules: RefreshTokenRules, nowMs: number): GivenToken {
    return { hash, rules, nowMs, gatewayId: this.options.gatewayId };
  }

  /** How long the keys of a family are needed from now on, in milliseconds. */
  private keyLifeMs({ expiresAtMs }: FamilyRecord, nowMs: number): number {
    return expiresAtMs - nowMs + this.options.keyMarginMs;
  }

  private keysOf({ tag, familyId }: FamilyPlace): RefreshTokenKeys {
    return refreshTokenKeys(this.environment, tag, familyId);
  }

  /** A late answer is dropped: who waited has been told that the step may or may not have been done. */
  private answer<Reply>(step: string, send: () => Promise<Reply>): Promise<Reply> {
    return new Promise<Reply>((resolve, reject) => {
      const { answerTimeoutMs } = this.options;
      const fail = (cause: unknown): void => reject(new RefreshTokenStoreUnavailable(step, { cause }));
      const late = (): void => fail(new Error(`no answer in ${answerTimeoutMs} ms`));
      const timer = setTimeout(late, answerTimeoutMs);
      const inTime =
        <Value>(settle: (value: Value) => void) =>
        (value: Value): void => {
          clearTimeout(timer);
          settle(value);
        };
      send().then(inTime(resolve), inTime(fail));
    });
  }
}
