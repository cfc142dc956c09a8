import type { RefreshTokenRules } from '../refresh-token-store.port.ts';

interface ModelFamily {
  /** Every token it ever had, newest last. */
  readonly tokens: string[];
  startedAs: number;
  expiresAtMs: number;
  graceUntilMs: number;
  state: 'alive' | 'reused' | 'ended';
}

/**
 * What the store promises for one owner, told as plainly as possible and one call at a time: the reference that
 * property tests compare the adapters with. Answers are the kinds that the store may give.
 */
export class RefreshTokenModel {
  private readonly families: ModelFamily[] = [];

  constructor(private readonly rules: RefreshTokenRules) {}

  get everyToken(): string[] {
    return this.families.flatMap(({ tokens }) => tokens);
  }

  activeCount(nowMs: number): number {
    return this.alive(nowMs).length;
  }

  /** The answer to a login; `token` is what the store gave, if it did. */
  issue(nowMs: number, token: string | undefined): 'issued' | 'limit-reached' {
    const { activeCount = Infinity, limitAction, lifeMs } = this.rules;
    if (limitAction === 'REJECT' && this.activeCount(nowMs) >= activeCount) return 'limit-reached';
    while (this.activeCount(nowMs) >= activeCount) {
      const [oldest] = this.alive(nowMs).sort((left, right) => left.startedAs - right.startedAs);
      if (oldest !== undefined) oldest.state = 'ended';
    }
    const tokens = token === undefined ? [] : [token];
    const startedAs = this.families.length;
    this.families.push({ tokens, startedAs, expiresAtMs: nowMs + lifeMs, graceUntilMs: 0, state: 'alive' });
    return 'issued';
  }

  /** The answers to a rotation, and the token that a repeated one gives. */
  rotate(token: string, nowMs: number, successor: string | undefined): { kinds: string[]; repeats?: string } {
    const family = this.families.find(({ tokens }) => tokens.includes(token));
    if (family === undefined) return { kinds: ['unknown'] };
    const { tokens } = family;
    if (nowMs >= family.expiresAtMs) return { kinds: ['expired', 'unknown', 'reused'] };
    if (family.state === 'reused') return { kinds: ['reused'] };
    if (family.state === 'ended') return { kinds: ['unknown'] };
    const age = tokens.length - 1 - tokens.indexOf(token);
    if (age === 0) return this.advance(family, nowMs, successor);
    const newest = tokens.at(-1);
    if (age === 1 && nowMs < family.graceUntilMs && newest !== undefined)
      return { kinds: ['repeated'], repeats: newest };
    family.state = 'reused';
    return { kinds: ['reused'] };
  }

  /** Whether a revocation of the token ends something; undefined where the store may have forgotten it already. */
  revokeToken(token: string, nowMs: number): boolean | undefined {
    const family = this.families.find(({ tokens }) => tokens.includes(token));
    if (family?.state !== 'alive') return false;
    family.state = 'ended';
    return nowMs < family.expiresAtMs ? true : undefined;
  }

  revokeOwner(): void {
    for (const family of this.families) if (family.state === 'alive') family.state = 'ended';
  }

  private advance(family: ModelFamily, nowMs: number, successor: string | undefined): { kinds: string[] } {
    if (this.rules.maxUses !== undefined && family.tokens.length > this.rules.maxUses) {
      family.state = 'ended';
      return { kinds: ['uses-exhausted'] };
    }
    if (successor !== undefined) family.tokens.push(successor);
    family.expiresAtMs = nowMs + this.rules.lifeMs;
    family.graceUntilMs = nowMs + this.rules.graceMs;
    return { kinds: ['rotated'] };
  }

  private alive(nowMs: number): ModelFamily[] {
    return this.families.filter(({ state, expiresAtMs }) => state === 'alive' && nowMs < expiresAtMs);
  }
}
