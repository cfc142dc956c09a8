import type { CredentialAccess, CredentialRecord } from '#libs/policy-contracts';
import { AddressList } from '#libs/client-addresses';

/** What stands against a user wherever it goes. */
export type OwnFault = 'disabled-user' | 'expired-user' | 'foreign-address';

export type UserStanding =
  | { readonly kind: 'good'; readonly credential: CredentialRecord }
  | { readonly kind: 'unknown-user' | 'foreign-user' | OwnFault };

/** From where and when a user asks. */
export interface Presence {
  readonly clientAddress: string;
  readonly nowMs: number;
}

/** Where and when a user asks. */
export interface Asking extends Presence {
  readonly project: string;
}

export interface NamedProxy {
  readonly project: string;
  readonly proxy: string;
}

/** Up to when a date lets somebody in, in milliseconds since the epoch; one that cannot be read counts as past. */
function endOf(expiresAt: string | null): number {
  if (expiresAt === null) return Infinity;
  const endMs = Date.parse(expiresAt);
  return Number.isNaN(endMs) ? -Infinity : endMs;
}

/** Whether an entry of an access list counts now. */
export const isAccessLive = ({ expiresAt }: CredentialAccess, nowMs: number): boolean => nowMs < endOf(expiresAt);

/**
 * The record of a credential made ready to be asked often: its dates and addresses are read once. An address that cannot be
 * read lets nobody in, but the list it stands on still binds.
 */
export class CredentialRule {
  private readonly endMs: number;
  /** undefined: any. */
  private readonly addresses: AddressList | undefined;
  /** Up to when it may use each proxy; names hold no slash. */
  private readonly accessEndsMs: ReadonlyMap<string, number>;

  constructor(private readonly credential: CredentialRecord) {
    this.endMs = endOf(credential.expiresAt);
    this.addresses = credential.ipList.length === 0 ? undefined : new AddressList(credential.ipList);
    this.accessEndsMs = new Map(
      credential.access.map(({ project, proxy, expiresAt }) => [`${project}/${proxy}`, endOf(expiresAt)]),
    );
  }

  /** undefined: nothing stands against it, access apart. */
  ownFault({ clientAddress, nowMs }: Presence): OwnFault | undefined {
    if (!this.credential.enabled) return 'disabled-user';
    if (nowMs >= this.endMs) return 'expired-user';
    return this.addresses?.has(clientAddress) === false ? 'foreign-address' : undefined;
  }

  /** Whether its access list names a proxy, and still counts there (contract 6: `managedFromThisPolicy:false`). */
  hasAccess({ project, proxy }: NamedProxy, nowMs: number): boolean {
    return nowMs < (this.accessEndsMs.get(`${project}/${proxy}`) ?? -Infinity);
  }
}

/** Whether a user may have tokens of a project now, and from there. */
export function standingOf(credential: CredentialRecord | undefined, asking: Asking): UserStanding {
  if (credential === undefined) return { kind: 'unknown-user' };
  if (credential.project !== asking.project) return { kind: 'foreign-user' };
  const fault = new CredentialRule(credential).ownFault(asking);
  return fault === undefined ? { kind: 'good', credential } : { kind: fault };
}
