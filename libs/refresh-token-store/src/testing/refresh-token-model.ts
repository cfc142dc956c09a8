import type { RefreshTokenRules } from '../refresh-token-store.port.ts';

interface ModelFamily {
  readonly familyId: string;
  /** Every token it ever had, newest last. */
  readonly tokens: string[];
  readonly startedAtMs: number;
  /** Issue of the newest token. */
  issuedAtMs: number;
  expiresAtMs: number;
  graceUntilMs: number;
  /** When it was ended as reused. */
  reusedAtMs: number;
  state: 'alive' | 'reused' | 'ended';
}

/** What a store gave for a login or a rotation. */
export interface Given {
  readonly token: string;
  readonly familyId: string;
}

/** Shorter than this, a store may have forgotten by its server's clock what is still to come by the driven one. */
const REAL_TIME_MS = 20_000;

/**
 * What the store promises for one owner, told as plainly as possible and one call at a time: the reference that
 * property tests compare the adapters with. Answers are the kinds that the store may give. Every call comes with the
 * clock of its caller, and clocks may differ.
 */
export class RefreshTokenModel {
  private readonly families: ModelFamily[] = [];
  private latestMs = 0;

  get everyToken(): string[] {
    return this.families.flatMap(({ tokens }) => tokens);
  }

  get everyFamilyId(): string[] {
    return this.families.map(({ familyId }) => familyId);
  }

  /** Newest token of every family that was ended by reuse. */
  get reusedNewest(): string[] {
    return this.families.flatMap(({ state, tokens }) => (state === 'reused' ? tokens.slice(-1) : []));
  }

  /** Families that live, as a store may tell them. */
  living(nowMs: number): { familyId: string; uses: number; issuedAtMs: number; expiresAtMs: number }[] {
    return this.alive(nowMs).map(({ familyId, tokens, issuedAtMs, expiresAtMs }) => ({
      ...{ familyId, uses: tokens.length - 1, issuedAtMs, expiresAtMs },
    }));
  }

  /** The answer to a login; `given` is what the store gave, if it did. */
  issue(rules: RefreshTokenRules, nowMs: number, given: Given | undefined): 'issued' | 'limit-reached' {
    this.latestMs = Math.max(this.latestMs, nowMs);
    const { activeCount = Infinity, limitAction } = rules;
    for (const family of this.families) {
      if (family.state === 'alive' && nowMs >= family.expiresAtMs) family.state = 'ended';
    }
    if (limitAction === 'REJECT' && this.alive(nowMs).length >= activeCount) return 'limit-reached';
    while (this.alive(nowMs).length >= activeCount) {
      const [oldest] = this.alive(nowMs);
      if (oldest !== undefined) oldest.state = 'ended';
    }
    const { familyId, token } = given ?? { familyId: 'none', token: 'none' };
    const expiresAtMs = expiryOf(rules, nowMs, nowMs);
    const times = { startedAtMs: nowMs, issuedAtMs: nowMs, expiresAtMs, graceUntilMs: 0, reusedAtMs: 0 };
    this.families.push({ familyId, tokens: [token], ...times, state: 'alive' });
    return 'issued';
  }

  /** The answers to a rotation, and the token that a repeated one gives. */
  rotate(
    token: string,
    rules: RefreshTokenRules,
    nowMs: number,
    successor: string | undefined,
  ): { kinds: string[]; repeats?: string } {
    this.latestMs = Math.max(this.latestMs, nowMs);
    const family = this.familyOf(token);
    if (family?.state !== 'alive') return { kinds: this.absent(family) };
    if (nowMs >= family.expiresAtMs) return { kinds: ['expired'] };
    const { tokens } = family;
    const age = tokens.length - 1 - tokens.indexOf(token);
    if (age === 0) return advance(family, rules, nowMs, successor);
    const newest = tokens.at(-1);
    if (age === 1 && nowMs < family.graceUntilMs && newest !== undefined)
      return { kinds: ['repeated'], repeats: newest };
    family.state = 'reused';
    family.reusedAtMs = nowMs;
    return { kinds: ['reused'] };
  }

  /** The answers to a look. */
  inspect(token: string, nowMs: number): string[] {
    this.latestMs = Math.max(this.latestMs, nowMs);
    const family = this.familyOf(token);
    if (family?.state !== 'alive') return this.absent(family);
    if (nowMs >= family.expiresAtMs) return ['expired'];
    return [family.tokens.at(-1) === token ? 'live' : 'used'];
  }

  /** Whether a revocation of the token, or of the family, ends something. */
  revoke(tokenOrFamilyId: string): boolean {
    const family = this.familyOf(tokenOrFamilyId);
    if (family?.state !== 'alive') return false;
    family.state = 'ended';
    return true;
  }

  /** How many families a revocation of the owner ends. */
  revokeOwner(): number {
    const alive = this.families.filter(({ state }) => state === 'alive');
    for (const family of alive) family.state = 'ended';
    return alive.length;
  }

  private familyOf(tokenOrFamilyId: string): ModelFamily | undefined {
    return this.families.find(
      ({ tokens, familyId }) => tokens.includes(tokenOrFamilyId) || familyId === tokenOrFamilyId,
    );
  }

  /** A reuse is remembered for as long as the family would have lived. */
  private absent(family: ModelFamily | undefined): string[] {
    if (family?.state !== 'reused') return ['unknown'];
    const isSure = this.latestMs < family.expiresAtMs && family.expiresAtMs - family.reusedAtMs > REAL_TIME_MS;
    return isSure ? ['reused'] : ['reused', 'unknown'];
  }

  private alive(nowMs: number): ModelFamily[] {
    return this.families.filter(({ state, expiresAtMs }) => state === 'alive' && nowMs < expiresAtMs);
  }
}

const expiryOf = ({ lifeMs, absoluteLifeMs = Infinity }: RefreshTokenRules, startedAtMs: number, nowMs: number) =>
  Math.min(nowMs + lifeMs, startedAtMs + absoluteLifeMs);

function advance(
  family: ModelFamily,
  rules: RefreshTokenRules,
  nowMs: number,
  successor: string | undefined,
): { kinds: string[] } {
  const isOver = nowMs >= expiryOf(rules, family.startedAtMs, nowMs);
  if (isOver || (rules.maxUses !== undefined && family.tokens.length > rules.maxUses)) {
    family.state = 'ended';
    return {
      kinds: [rules.maxUses !== undefined && family.tokens.length > rules.maxUses ? 'uses-exhausted' : 'expired'],
    };
  }
  if (successor !== undefined) family.tokens.push(successor);
  family.issuedAtMs = nowMs;
  family.expiresAtMs = expiryOf(rules, family.startedAtMs, nowMs);
  family.graceUntilMs = rules.graceMs === 0 ? 0 : nowMs + rules.graceMs;
  return { kinds: ['rotated'] };
}
