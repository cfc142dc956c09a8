import type { JsonObject } from '#libs/jwt-engine';
import type { RevocationKnowledge } from '#libs/policy-runtime';
import { KnownRevocations } from '#libs/token-revocations';
import type { EnvironmentContact } from '../config-subscriber/environment-contact.ts';

/** What the policies of this gateway ask of revoked access tokens, and how lately it heard. */
export class GatewayRevocations implements RevocationKnowledge {
  readonly known = new KnownRevocations();

  /** @param onRefused an API call came with a revoked token */
  constructor(
    private readonly contact: EnvironmentContact,
    private readonly onRefused: () => void,
  ) {}

  get isLive(): boolean {
    return this.contact.isLive;
  }

  get ageMs(): number {
    return this.contact.ageMs;
  }

  isRevoked(claims: JsonObject): boolean {
    const isRevoked = this.known.isRevoked(claims);
    if (isRevoked) this.onRefused();
    return isRevoked;
  }
}
