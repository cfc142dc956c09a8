import { clientCredentialsGrant } from './client-credentials.grant.ts';
import type { Grant } from './grant.ts';
import { passwordGrant } from './password.grant.ts';
import { refreshTokenGrant } from './refresh-token.grant.ts';

/** Every grant of the token endpoint. To add one is to add it here. */
export const GRANTS: ReadonlyMap<string, Grant> = new Map(
  [clientCredentialsGrant, passwordGrant, refreshTokenGrant].map((grant) => [grant.grantType, grant]),
);
