import { refusal, type JsonObject, type JwtRefusal } from '#libs/jwt-engine';

/** Begins the `jti` of a token of `/credential`; no base64url text begins with it. `familyOfTokenId` passes over it. */
const CREDENTIAL_MARK = '~';

const OTHER_SERVICE = refusal('ClaimMismatch', { claim: 'jti' });

/** `jti` of a token that a policy issues: that of a policy without `managedFromThisPolicy` is marked. */
export const markedTokenId = (tokenId: string, isManaged: boolean): string =>
  isManaged ? tokenId : `${CREDENTIAL_MARK}${tokenId}`;

/**
 * Policies of both kinds may share a proxy, and so an audience, and their key. The mark keeps tokens of the one token
 * service from the policies of the other: without it a credential's token would pass where no access list is looked at.
 */
export const checkTokenService =
  (isManaged: boolean) =>
  ({ claims: { jti } }: { readonly claims: JsonObject }): JwtRefusal | undefined => {
    const isMarked = typeof jti === 'string' && jti.startsWith(CREDENTIAL_MARK);
    return isMarked === isManaged ? OTHER_SERVICE : undefined;
  };
