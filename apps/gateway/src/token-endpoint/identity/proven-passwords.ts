import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { CredentialRecord } from '#libs/policy-contracts';

/** How long a right password is known again without stretching it, from when it was checked. */
const REMEMBERED_MS = 60_000;
const MOST_REMEMBERED = 10_000;

interface Proof {
  readonly mac: Buffer;
  readonly endsAtMs: number;
}

/**
 * Right passwords of the last minute, so that a service that asks for a token every few seconds does not pay for a check
 * each time. They are only in memory, as HMACs under a random key of this process: whoever could read both could as well
 * read the passwords as they come in. Bound to the password's id, so that a changed one is known no more.
 */
export class ProvenPasswords {
  private readonly key = randomBytes(32);
  /** By user name, oldest first. */
  private readonly proofs = new Map<string, Proof>();

  has(credential: CredentialRecord, password: string, nowMs: number): boolean {
    const proof = this.proofs.get(credential.username);
    if (proof === undefined) return false;
    const isCurrent = nowMs < proof.endsAtMs && proof.endsAtMs - nowMs <= REMEMBERED_MS;
    return isCurrent && timingSafeEqual(proof.mac, this.macOf(credential, password));
  }

  remember(credential: CredentialRecord, password: string, nowMs: number): void {
    this.proofs.delete(credential.username);
    this.proofs.set(credential.username, { mac: this.macOf(credential, password), endsAtMs: nowMs + REMEMBERED_MS });
    if (this.proofs.size <= MOST_REMEMBERED) return;
    for (const oldest of this.proofs.keys()) {
      this.proofs.delete(oldest);
      break;
    }
  }

  private macOf({ username, passwordId, passwordVerifier }: CredentialRecord, password: string): Buffer {
    const bound = JSON.stringify([username, passwordId, passwordVerifier, password.normalize('NFC')]);
    return createHmac('sha256', this.key).update(bound, 'utf8').digest();
  }
}
