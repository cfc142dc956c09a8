import type { CredentialAccess, CredentialRecord } from '#libs/policy-contracts';
import { audienceOf } from '#libs/policy-runtime';
import type { IssuerDirectory, IssuingProxy } from '../identity/identity.port.ts';
import { isAccessLive } from '../identity/user-standing.ts';

const compare = (one: string, other: string): number => (one === other ? 0 : one < other ? -1 : 1);

/** Where a credential may go now, by project and proxy. */
export const liveAccess = ({ access }: CredentialRecord, nowMs: number): readonly CredentialAccess[] =>
  access
    .filter((entry) => isAccessLive(entry, nowMs))
    .sort((left, right) => compare(left.project, right.project) || compare(left.proxy, right.proxy));

/**
 * The proxy of an access list that a `resource` means: by its name, or by the audience of its tokens, which is the absolute
 * form of RFC 8707 section 2. undefined: the list has none of the kind, or it is not deployed here.
 */
export function proxyMeantBy(
  resource: string,
  access: readonly CredentialAccess[],
  issuers: IssuerDirectory,
): IssuingProxy | undefined {
  const entry = access.find(
    ({ project, proxy }) => resource === `${project}/${proxy}` || resource === audienceOf(project, proxy),
  );
  return entry && issuers.proxyNamed(entry.project, entry.proxy);
}
