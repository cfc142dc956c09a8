import type { CredentialRecord } from '#libs/policy-contracts';
import { AddressList } from '../../addresses/address-list.ts';

export type UserStanding =
  | { readonly kind: 'good'; readonly credential: CredentialRecord }
  | { readonly kind: 'unknown-user' | 'foreign-user' | 'disabled-user' | 'expired-user' | 'foreign-address' };

/** Where and when a user asks. */
export interface Asking {
  readonly project: string;
  readonly clientAddress: string;
  readonly nowMs: number;
}

/** An entry that cannot be read lets nobody in, but the list it stands on still binds. */
const isFromElsewhere = ({ ipList }: CredentialRecord, clientAddress: string): boolean =>
  ipList.length > 0 && !new AddressList(ipList).has(clientAddress);

/** Whether a user may have tokens of a project now, and from there. A date that cannot be read counts as past. */
export function standingOf(credential: CredentialRecord | undefined, asking: Asking): UserStanding {
  if (credential === undefined) return { kind: 'unknown-user' };
  if (credential.project !== asking.project) return { kind: 'foreign-user' };
  if (!credential.enabled) return { kind: 'disabled-user' };
  if (credential.expiresAt !== null && !(Date.parse(credential.expiresAt) > asking.nowMs)) {
    return { kind: 'expired-user' };
  }
  return isFromElsewhere(credential, asking.clientAddress) ? { kind: 'foreign-address' } : { kind: 'good', credential };
}
