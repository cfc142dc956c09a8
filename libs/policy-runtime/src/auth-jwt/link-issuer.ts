import { compileSigner } from '#libs/jwt-engine';
import { accessTokenLifeMs, type AuthJwtContract } from '#libs/policy-contracts';
import type { LinkContext } from '../linking/link-context.ts';
import { audienceOf } from './audience.ts';
import { linkAuthJwtKeys } from './auth-jwt-keys.ts';

export interface AccessTokenClaims {
  readonly sub: string;
  readonly client_id: string;
  readonly jti: string;
  readonly scope?: string;
}

export interface IssuedAccessToken {
  readonly token: string;
  /** undefined: it never expires. */
  readonly expiresInMs: number | undefined;
}

/** A policy that issues the access tokens it later takes. */
export interface LinkedIssuer {
  readonly policyName: string;
  readonly contract: AuthJwtContract;
  readonly audience: string;
  readonly issuer: string;
  readonly expiresInUnit: 'SECONDS' | 'MILLISECONDS';
  /** RFC 9068: header `alg`, `kid`, `typ` at+jwt; `exp` is rounded up, so that no token lives shorter than it says. */
  issueAccessToken(claims: AccessTokenClaims, nowMs: number): IssuedAccessToken;
}

/** undefined when the policy's keys cannot be used; the reasons are reported where the policy itself is linked. */
export function linkIssuer(contract: AuthJwtContract, context: LinkContext): LinkedIssuer | undefined {
  const keys = linkAuthJwtKeys(contract, { ...context, refuse: () => undefined });
  if (keys === undefined) return undefined;
  const { project, proxy, environment } = context.artifact;
  const audience = audienceOf(project, proxy);
  const expiresInMs = accessTokenLifeMs(contract);
  const sign = compileSigner({ algorithm: keys.algorithm, key: keys.signing, keyId: keys.keyId, type: 'at+jwt' });
  return {
    policyName: context.policyName,
    contract,
    audience,
    issuer: environment.tokenIssuer,
    expiresInUnit: environment.expiresInUnit,
    issueAccessToken: ({ sub, client_id, jti, scope }, nowMs) => ({
      token: sign({
        iss: environment.tokenIssuer,
        sub,
        aud: audience,
        client_id,
        jti,
        iat: Math.floor(nowMs / 1000),
        ...(expiresInMs === undefined ? {} : { exp: Math.ceil((nowMs + expiresInMs) / 1000) }),
        ...(scope === undefined ? {} : { scope }),
      }),
      expiresInMs,
    }),
  };
}
