import { type KeyObject } from 'node:crypto';
import { compileHeaderCheck, type HeaderRules } from './compile-header-check.ts';
import { compileTimeCheck, type TimeRules } from './compile-time-check.ts';
import { isJwsAlgorithmName, jwsFamily, type JwsAlgorithmName, type JwsFamily } from './jws-algorithms.ts';
import { type JsonObject, type JsonValue } from './json-value.ts';
import { type DecodedJwt, type JwtRefusal, refusal } from './jwt-refusal.ts';
import { compileHeaderReader, type ReadHeader } from './read-header.ts';
import { prepareSignatureCheck, type SignatureCheck } from './signature-check.ts';
import { decodeBase64Url } from './strict-base64url.ts';
import { parseJsonObject } from './strict-json.ts';

/** Longest token the engine looks at, in characters (and bytes: a token is ASCII). */
export const MAX_TOKEN_LENGTH = 16_384;

/** The verified token, or why it is refused. */
export type VerifyResult = { readonly ok: true; readonly jwt: DecodedJwt } | JwtRefusal;

/**
 * Finds the key for a header that is not verified yet. It must never build a key from the header itself, and
 * should return the same KeyObject each time: what is derived from a key is kept per object.
 */
export type KeySelector<Context> = (
  header: JsonObject,
  algorithm: JwsAlgorithmName,
  context: Context,
) => KeyObject | JwtRefusal;

/** A further condition on a verified token; its refusal is handed on with the token attached. */
export type ClaimCheck<Context> = (jwt: DecodedJwt, nowSeconds: number, context: Context) => JwtRefusal | undefined;

export interface VerifierOptions<Context> extends HeaderRules, TimeRules {
  /** What the token's `alg` may be: one family, or RS together with PS. */
  readonly algorithms: readonly JwsAlgorithmName[];
  /** One key, judged for every allowed algorithm once, or a selector, whose keys are judged when first seen. */
  readonly key: KeyObject | KeySelector<Context>;
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

type FindSignatureCheck<Context> = (found: ReadHeader, context: Context) => SignatureCheck | JwtRefusal;

const FAMILY_GROUPS: Readonly<Record<JwsFamily, string>> = { HS: 'secret', RS: 'RSA', PS: 'RSA', ES: 'EC' };

const requireOneGroup = (algorithms: readonly JwsAlgorithmName[]): void => {
  if (algorithms.length === 0) throw new RangeError('algorithms must name at least one algorithm');
  const unknown = algorithms.find((name) => !isJwsAlgorithmName(name));
  if (unknown !== undefined) throw new RangeError(`algorithms must not name ${String(unknown)}`);
  const groups = new Set(algorithms.map((name) => FAMILY_GROUPS[jwsFamily(name)]));
  if (groups.size > 1) throw new RangeError('algorithms must be of one family, or of RS and PS');
};

const forFixedKey = (
  algorithms: readonly JwsAlgorithmName[],
  key: KeyObject,
): ((found: ReadHeader) => SignatureCheck | JwtRefusal) => {
  const prepared = new Map(algorithms.map((name) => [name, prepareSignatureCheck(name, key)]));
  return ({ algorithm }) => prepared.get(algorithm) ?? refusal('InvalidKeyConfiguration');
};

const forSelectedKey = <Context>(
  algorithms: readonly JwsAlgorithmName[],
  select: KeySelector<Context>,
): FindSignatureCheck<Context> => {
  const prepared = new Map(
    algorithms.map((name) => [name, new WeakMap<KeyObject, SignatureCheck | JwtRefusal>()] as const),
  );
  return ({ header, algorithm }, context) => {
    const key = select(header, algorithm, context);
    if ('ok' in key) return key;
    const ofAlgorithm = prepared.get(algorithm);
    const known = ofAlgorithm?.get(key);
    if (known !== undefined) return known;
    const made = prepareSignatureCheck(algorithm, key);
    ofAlgorithm?.set(key, made);
    return made;
  };
};

const requireIssuer = (issuer: string): ClaimCheck<unknown> => {
  const mismatch = refusal('ClaimMismatch', { claim: 'iss' });
  return ({ claims }) => (claims['iss'] === issuer ? undefined : mismatch);
};

const requireAudience = (audience: string): ClaimCheck<unknown> => {
  const mismatch = refusal('ClaimMismatch', { claim: 'aud' });
  const includes = (value: JsonValue | undefined): boolean =>
    value === audience || (Array.isArray(value) && value.includes(audience));
  return ({ claims }) => (includes(claims['aud']) ? undefined : mismatch);
};

const compileClaimChecks = <Context>(options: VerifierOptions<Context>): readonly ClaimCheck<Context>[] => {
  const checkTimes = compileTimeCheck(options);
  const checks: ClaimCheck<Context>[] = [({ claims }, nowSeconds) => checkTimes(claims, nowSeconds)];
  if (options.issuer !== undefined) checks.push(requireIssuer(options.issuer));
  if (options.audience !== undefined) checks.push(requireAudience(options.audience));
  return checks.concat(options.checks ?? []);
};

/** The positions of the two dots, or undefined when the token is too long or has another number of parts. */
const splitAt = (token: string): readonly [number, number] | undefined => {
  if (token.length > MAX_TOKEN_LENGTH) return undefined;
  const first = token.indexOf('.');
  const second = token.indexOf('.', first + 1);
  return first < 0 || second < 0 || token.includes('.', second + 1) ? undefined : [first, second];
};

/**
 * Resolves every option once and returns the function the request path calls.
 *
 * The order is fixed: parts and base64url, header, `alg`, `crit`, `typ`, key, signature, payload, `exp`, `nbf`, `iat`,
 * lifespan, issuer, audience, `checks`. Nothing but the options decides the algorithms and the key.
 *
 * A key that fits no algorithm is no error here: tokens are refused with its fault, at the key's place in the order.
 *
 * @throws RangeError when `algorithms` is empty, names an unknown algorithm or mixes families (other than RS with PS),
 * or when a number of seconds is negative or not finite.
 */
export const compileVerifier = <Context = void>(options: VerifierOptions<Context>): Verifier<Context> => {
  requireOneGroup(options.algorithms);
  const { algorithms, key } = options;
  const headers = compileHeaderReader(compileHeaderCheck(options));
  const findSignatureCheck: FindSignatureCheck<Context> =
    typeof key === 'function' ? forSelectedKey(algorithms, key) : forFixedKey(algorithms, key);
  const claimChecks = compileClaimChecks(options);

  return (token, nowSeconds, context) => {
    const dots = splitAt(token);
    if (dots === undefined) return refusal('MalformedToken');
    const [first, second] = dots;
    const payload = decodeBase64Url(token.slice(first + 1, second));
    const signature = decodeBase64Url(token.slice(second + 1));
    if (payload === undefined || signature === undefined) return refusal('MalformedToken');

    const encodedHeader = token.slice(0, first);
    const found = headers.read(encodedHeader);
    if ('ok' in found) return found;
    const isSignedBy = findSignatureCheck(found, context);
    if (typeof isSignedBy !== 'function') return isSignedBy;
    if (!isSignedBy(token.slice(0, second), signature)) return refusal('InvalidSignature');
    headers.keep(encodedHeader, found);

    const parsed = parseJsonObject(payload);
    if (parsed === undefined) return refusal('InvalidJsonFormat');
    const jwt = { header: found.header, claims: parsed.value, headerText: found.headerText, payloadText: parsed.text };
    for (const check of claimChecks) {
      const failed = check(jwt, nowSeconds, context);
      if (failed !== undefined) return { ...failed, jwt };
    }
    return { ok: true, jwt };
  };
};
