import { type KeyObject } from 'node:crypto';
import { compileClaimChecks } from './compile-claim-checks.ts';
import { compileHeaderCheck } from './compile-header-check.ts';
import { isJwsAlgorithmName, jwsFamily, type JwsAlgorithmName, type JwsFamily } from './jws-algorithms.ts';
import { type JsonObject } from './json-value.ts';
import { type DecodedJwt, type JwtRefusal, refusal } from './jwt-refusal.ts';
import { compileHeaderReader, type HeaderReader, type ReadHeader } from './read-header.ts';
import { prepareSignatureCheck, type SignatureCheck } from './signature-check.ts';
import { decodeBase64UrlBriefly, isBase64Url } from './strict-base64url.ts';
import { parseJsonText, utf8TextOf } from './strict-json.ts';
import { MAX_TOKEN_LENGTH, type TokenRules, type Verifier } from './token-rules.ts';
import { TokenMemory } from './verified-tokens/token-memory.ts';
import { type VerifiedToken } from './verified-tokens/verified-token.ts';
import { type VerifiedTokens } from './verified-tokens/verified-tokens.ts';

/**
 * Finds the key for a header that is not verified yet. It must never build a key from the header itself, and
 * should return the same KeyObject each time: what is derived from a key is kept per object.
 */
export type KeySelector<Context> = (
  header: JsonObject,
  algorithm: JwsAlgorithmName,
  context: Context,
) => KeyObject | JwtRefusal;

export interface VerifierOptions<Context> extends TokenRules<Context> {
  /** What the token's `alg` may be: one family, or RS together with PS. */
  readonly algorithms: readonly JwsAlgorithmName[];
  /** One key, judged for every allowed algorithm once, or a selector, whose keys are judged when first seen. */
  readonly key: KeyObject | KeySelector<Context>;
  /**
   * Where good tokens are remembered, so that one that comes again needs no signature check while the key selected for it is
   * the same object. Nothing else of the verdict is remembered. Left out: every token is verified.
   */
  readonly verifiedTokens?: VerifiedTokens | undefined;
}

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

/** The positions of the two dots, or undefined when the token is too long or has another number of parts. */
const splitAt = (token: string): readonly [number, number] | undefined => {
  if (token.length > MAX_TOKEN_LENGTH) return undefined;
  const first = token.indexOf('.');
  const second = token.indexOf('.', first + 1);
  return first < 0 || second < 0 || token.includes('.', second + 1) ? undefined : [first, second];
};

/** A token before its signature was looked at: its payload's text is undefined when it is not UTF-8. */
interface Unverified {
  readonly found: ReadHeader;
  readonly payloadText: string | undefined;
}

/** Parts and base64url, then the header. */
const readParts = (
  token: string,
  [first, second]: readonly [number, number],
  headers: HeaderReader,
): Unverified | JwtRefusal => {
  const payload = decodeBase64UrlBriefly(token.slice(first + 1, second));
  if (payload === undefined) return refusal('MalformedToken');
  const payloadText = utf8TextOf(payload);
  if (!isBase64Url(token.slice(second + 1))) return refusal('MalformedToken');
  const found = headers.read(token, first);
  return 'ok' in found ? found : { found, payloadText };
};

const decoded = ({ found, payloadText }: Unverified): DecodedJwt | JwtRefusal => {
  const parsed = payloadText === undefined ? undefined : parseJsonText(payloadText);
  if (parsed === undefined) return refusal('InvalidJsonFormat');
  return { header: found.header, claims: parsed.value, headerText: found.headerText, payloadText: parsed.text };
};

/** A token on its way through one verifier's memory. */
interface Remembering {
  readonly memory: TokenMemory;
  readonly digest: string;
  readonly nowSeconds: number;
}

/** Checks the signature, unless it was bad a moment ago. */
const isGoodSignature = (
  token: string,
  secondDot: number,
  check: SignatureCheck,
  remembering: Remembering | undefined,
): boolean => {
  const { memory, digest = '', nowSeconds = NaN } = remembering ?? {};
  if (memory?.isKnownBad(digest, check, nowSeconds) === true) return false;
  const isGood = check(token.slice(0, secondDot), token.slice(secondDot + 1));
  if (!isGood) memory?.addBad(digest, check, nowSeconds);
  return isGood;
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
  const { algorithms, key, verifiedTokens } = options;
  const headers = compileHeaderReader(compileHeaderCheck(options));
  const findSignatureCheck: FindSignatureCheck<Context> =
    typeof key === 'function' ? forSelectedKey(algorithms, key) : forFixedKey(algorithms, key);
  const judgeClaims = compileClaimChecks(options);
  const memory = verifiedTokens && new TokenMemory(verifiedTokens, options.timeAllowanceSeconds ?? 0);

  const verified = (
    token: string,
    [first, second]: readonly [number, number],
    read: Unverified | VerifiedToken,
    check: SignatureCheck,
    remembering: Remembering | undefined,
    // eslint-disable-next-line max-params -- an options object would be one more for each token
  ): DecodedJwt | JwtRefusal => {
    if (!isGoodSignature(token, second, check, remembering)) return refusal('InvalidSignature');
    headers.keep(token, first, read.found);
    const jwt = 'jwt' in read ? read.jwt : decoded(read);
    if ('ok' in jwt || remembering === undefined) return jwt;
    const { memory: tokens, digest, nowSeconds } = remembering;
    tokens.add(digest, read.found, jwt, check, nowSeconds);
    return jwt;
  };

  return (token, nowSeconds, context) => {
    const dots = splitAt(token);
    if (dots === undefined) return refusal('MalformedToken');
    const digest = memory === undefined ? '' : memory.digestOf(token);
    const known = memory?.find(digest, nowSeconds);
    const read = known ?? readParts(token, dots, headers);
    if ('ok' in read) return read;
    const isSignedBy = findSignatureCheck(read.found, context);
    if (typeof isSignedBy !== 'function') return isSignedBy;
    if (memory?.wasSignedBy(isSignedBy, known) === true) return judgeClaims(known.jwt, nowSeconds, context);

    const remembering = memory && { memory, digest, nowSeconds };
    const jwt = verified(token, dots, read, isSignedBy, remembering);
    return 'ok' in jwt ? jwt : judgeClaims(jwt, nowSeconds, context);
  };
};
