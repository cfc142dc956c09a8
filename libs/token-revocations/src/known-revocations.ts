import { familyOfTokenId, isCovered, joinedRevocation, REVOKED_BY, type TokenRevocation } from './token-revocation.ts';

/** What revocations look at in an access token; whatever its issuer put there. */
export interface RevocableClaims {
  readonly jti?: unknown;
  readonly sub?: unknown;
  readonly client_id?: unknown;
  readonly iat?: unknown;
}

type Held = ReadonlyMap<string, TokenRevocation>;

/** A token without a readable time of issue is as old as can be. */
function means(held: Held, value: unknown, issuedSeconds: number): boolean {
  if (held.size === 0 || typeof value !== 'string') return false;
  const known = held.get(value);
  if (known === undefined) return false;
  return known.issuedUntilSeconds === null || issuedSeconds <= known.issuedUntilSeconds;
}

/** Revocations in memory. Asking costs a look-up for each kind that there is any of, and nothing while there are none. */
export class KnownRevocations {
  private readonly token = new Map<string, TokenRevocation>();
  private readonly family = new Map<string, TokenRevocation>();
  private readonly user = new Map<string, TokenRevocation>();
  private readonly client = new Map<string, TokenRevocation>();
  private readonly everybody = new Map<string, TokenRevocation>();
  private count = 0;
  private learnt = 0;

  get size(): number {
    return this.count;
  }

  /** How often something new was learnt: whoever finds the same number twice missed nothing in between. */
  get changes(): number {
    return this.learnt;
  }

  *all(): Iterable<TokenRevocation> {
    for (const by of REVOKED_BY) yield* this[by].values();
  }

  /**
   * Joins a revocation with what is known of the same.
   *
   * @returns what it comes to, or undefined where it says nothing new
   */
  add(revocation: TokenRevocation): TokenRevocation | undefined {
    const held = this[revocation.by];
    const known = held.get(revocation.value);
    if (known !== undefined && isCovered(known, revocation)) return undefined;
    const joined = known === undefined ? revocation : joinedRevocation(known, revocation);
    held.set(revocation.value, joined);
    if (known === undefined) this.count += 1;
    this.learnt += 1;
    return joined;
  }

  /** Forgets what means no token any more. */
  forgetEnded(nowMs: number): void {
    for (const { by, value, endsAtMs } of this.all()) {
      if (endsAtMs !== null && endsAtMs <= nowMs && this[by].delete(value)) this.count -= 1;
    }
  }

  isRevoked({ jti, sub, client_id: client, iat }: RevocableClaims): boolean {
    if (this.count === 0) return false;
    const issuedSeconds = typeof iat === 'number' && Number.isFinite(iat) ? iat : -Infinity;
    const family = this.family.size > 0 && typeof jti === 'string' ? familyOfTokenId(jti) : undefined;
    return (
      means(this.token, jti, issuedSeconds) ||
      means(this.family, family, issuedSeconds) ||
      means(this.user, sub, issuedSeconds) ||
      means(this.client, client, issuedSeconds) ||
      means(this.everybody, '', issuedSeconds)
    );
  }
}
