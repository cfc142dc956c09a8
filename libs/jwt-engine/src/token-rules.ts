import { type TimeRules } from './compile-time-check.ts';
import { type CriticalRules } from './compile-header-check.ts';
import { type DecodedJwt, type JwtRefusal } from './jwt-refusal.ts';

/** Longest token the engine looks at, in characters (and bytes: a token is ASCII). */
export const MAX_TOKEN_LENGTH = 16_384;

/** The verified token, or why it is refused. */
export type VerifyResult = { readonly ok: true; readonly jwt: DecodedJwt } | JwtRefusal;

/** A further condition on a verified token; its refusal is handed on with the token attached. */
export type ClaimCheck<Context> = (jwt: DecodedJwt, nowSeconds: number, context: Context) => JwtRefusal | undefined;

/** What is demanded of a token whichever way it is protected. */
export interface TokenRules<Context> extends CriticalRules, TimeRules {
  /** Required `typ`, e.g. `at+jwt`; case and a leading `application/` do not count. Default: any or none. */
  readonly type?: string;
  /** Extensions the caller understands; every name in `crit` must be among them. Default: none. */
  readonly knownCriticalHeaders?: readonly string[];
  /** Pays no heed to `crit`. `b64: false` is refused all the same. Default: false. */
  readonly ignoreCriticalHeaders?: boolean;
  /** Tolerance for `exp`, `nbf` and `iat`, in seconds. Default: 0. */
  readonly timeAllowanceSeconds?: number;
  /** Accepts an `iat` in the future. Default: false. */
  readonly ignoreIssuedAt?: boolean;
  /** Longest time from `nbf` (or `iat`) to `exp`; requires both. The allowance is not added. Default: no limit. */
  readonly maxLifespan?: { readonly seconds: number; readonly useIssueTime: boolean };
  /** Required `iss`, exactly. */
  readonly issuer?: string;
  /** Required `aud`: the string itself, or an array that contains it. */
  readonly audience?: string;
  /** Run in this order after times, issuer and audience. */
  readonly checks?: readonly ClaimCheck<Context>[];
}

/** Judges one token at `nowSeconds` since the epoch (may be fractional). Never throws on any token. */
export type Verifier<Context> = (token: string, nowSeconds: number, context: Context) => VerifyResult;
