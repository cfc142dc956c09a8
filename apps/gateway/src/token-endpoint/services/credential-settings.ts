import { parseAuthJwt, type AuthJwtContract, type CredentialRecord } from '#libs/policy-contracts';

/**
 * A credential's own token settings as the rules of a policy, which has the same members. `deletePrevious` is one active
 * login: a new one ends the oldest.
 *
 * @returns undefined when they are not what a policy could say
 */
export function rulesOfSettings(settings: NonNullable<CredentialRecord['tokenSettings']>): AuthJwtContract | undefined {
  const { deletePrevious, ...members } = settings;
  const parsed = parseAuthJwt({ ...members, type: 'policy-auth-jwt', managedFromThisPolicy: false });
  if (!parsed.ok) return undefined;
  if (deletePrevious !== true) return parsed.value;
  return { ...parsed.value, refreshTokenCount: 1, refreshTokenLimitAction: 'REVOKE_OLDEST' };
}
