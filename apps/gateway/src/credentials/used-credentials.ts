import { KnownCredential } from './known-credential.ts';

/** How long credentials are followed, and how many are kept. */
export const CREDENTIAL_LIMITS = {
  /** One that was not used for this long is not followed any more: its next use asks Redis first. */
  followedMs: 60_000,
  /** And after this long nothing is known of it any more. */
  keptMs: 3_600_000,
  /** Beyond, those that were not used for longest go. */
  maxCount: 20_000,
} as const;

export type CredentialLimits = { readonly [Name in keyof typeof CREDENTIAL_LIMITS]: number };

/** Uses of a credential within this long move it once: their order is worth no more. */
const SAME_USE_MS = 1_000;

/** A credential that was used lately. */
export class UsedCredential extends KnownCredential {
  usedAtMs = -Infinity;
  /** Whether every look reads it, so that it can be judged without asking. */
  isFollowed = false;
  /** The read that is under way. */
  reading: Promise<void> | undefined;
}

/** The credentials that were used lately, the least recently used first. */
export class UsedCredentials {
  private readonly bySubject = new Map<string, UsedCredential>();

  /** @param onGone told of each that is forgotten */
  constructor(
    private readonly limits: CredentialLimits,
    private readonly onGone: (subject: string) => void,
  ) {}

  get count(): number {
    return this.bySubject.size;
  }

  /** The credential of a name, which is used now. */
  use(subject: string, nowMs: number): UsedCredential {
    const known = this.bySubject.get(subject);
    if (known !== undefined && nowMs - known.usedAtMs < SAME_USE_MS) return known;
    const used = known ?? new UsedCredential(subject);
    used.usedAtMs = nowMs;
    this.bySubject.delete(subject);
    this.bySubject.set(subject, used);
    if (this.bySubject.size > this.limits.maxCount) this.forgetOldest();
    return used;
  }

  /** Those that a look is to read. The others are followed no more. */
  followed(nowMs: number): UsedCredential[] {
    const followed: UsedCredential[] = [];
    for (const credential of this.bySubject.values()) {
      if (nowMs - credential.usedAtMs >= this.limits.followedMs) credential.isFollowed = false;
      else if (credential.isFollowed) followed.push(credential);
    }
    return followed;
  }

  get(subject: string): UsedCredential | undefined {
    return this.bySubject.get(subject);
  }

  forgetUnused(nowMs: number): void {
    for (const { subject, usedAtMs } of this.bySubject.values()) {
      if (nowMs - usedAtMs < this.limits.keptMs) return;
      this.forget(subject);
    }
  }

  forget(subject: string): void {
    this.bySubject.delete(subject);
    this.onGone(subject);
  }

  private forgetOldest(): void {
    const [oldest] = this.bySubject.keys();
    if (oldest !== undefined) this.forget(oldest);
  }
}
