import { compileSigner, type JsonValue, type JwsAlgorithmName, type VerifyResult } from '#libs/jwt-engine';
import { accessTokenLifeMs, type AuthJwtContract } from '#libs/policy-contracts';
import type { LinkContext } from '../linking/link-context.ts';
import { compileAccessTokenVerifier } from './access-token-verifier.ts';
import { audienceOf } from './audience.ts';
import { linkAuthJwtKeys } from './auth-jwt-keys.ts';
import { markedTokenId } from './token-service-mark.ts';

export interface AccessTokenClaims {
  readonly sub: string;
  readonly client_id: string;
  readonly jti: string;
  readonly scope?: string | undefined;
}

/** Whom a token is for and how long; an issuer's own are those of its policy. */
export interface AccessTokenTerms {
  readonly audience: string | readonly string[];
  /** undefined: it never expires. */
  readonly lifeMs: number | undefined;
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
  readonly algorithm: JwsAlgorithmName;
  /** Of the policy: that of its proxy alone, for as long as it says. */
  readonly terms: AccessTokenTerms;
  /**
   * RFC 9068: header `alg`, `kid`, `typ` at+jwt; `exp` is rounded up, so that no token lives shorter than it says. `jti` gets
   * the mark of the policy's kind.
   */
  issueAccessToken(claims: AccessTokenClaims, nowMs: number, terms?: AccessTokenTerms): IssuedAccessToken;
  /** Whether a text is an access token that the policy's proxy would take, revocation and access apart. */
  readAccessToken(token: string, nowMs: number): VerifyResult;
}

/** undefined when the policy's keys cannot be used; the reasons are reported where the policy itself is linked. */
export function linkIssuer(contract: AuthJwtContract, context: LinkContext): LinkedIssuer | undefined {
  const keys = linkAuthJwtKeys(contract, { ...context, refuse: () => undefined });
  if (keys === undefined) return undefined;
  const { project, proxy, environment } = context.artifact;
  const audience = audienceOf(project, proxy);
  const own: AccessTokenTerms = { audience, lifeMs: accessTokenLifeMs(contract) };
  const sign = compileSigner({ algorithm: keys.algorithm, key: keys.signing, keyId: keys.keyId, type: 'at+jwt' });
  const verify = compileAccessTokenVerifier(contract, context, keys);
  return {
    policyName: context.policyName,
    contract,
    audience,
    issuer: environment.tokenIssuer,
    expiresInUnit: environment.expiresInUnit,
    algorithm: keys.algorithm,
    terms: own,
    issueAccessToken: ({ sub, client_id, jti, scope }, nowMs, { audience: aud, lifeMs } = own) => {
      const claims: Record<string, JsonValue> = {
        iss: environment.tokenIssuer,
        sub,
        aud: typeof aud === 'string' ? aud : [...aud],
        client_id,
        jti: markedTokenId(jti, contract.managedFromThisPolicy),
        iat: Math.floor(nowMs / 1000),
      };
      if (lifeMs !== undefined) claims['exp'] = Math.ceil((nowMs + lifeMs) / 1000);
      if (scope !== undefined) claims['scope'] = scope;
      return { token: sign(claims), expiresInMs: lifeMs };
    },
    readAccessToken: (token, nowMs) => verify(token, nowMs / 1000, undefined),
  };
}
