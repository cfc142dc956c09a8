import { constants, createHmac, type KeyObject, verify } from 'node:crypto';
import { type JwsAlgorithmName, type TokenRules } from '#libs/jwt-engine';
import { referenceBase64Url } from './reference-base64url.ts';
import { referenceJsonObject, type ReferenceValue } from './reference-json.ts';

/** What the reference judges by; the key is taken as good for each of the algorithms. */
export interface ReferenceRules extends Pick<
  TokenRules<void>,
  'knownCriticalHeaders' | 'ignoreCriticalHeaders' | 'timeAllowanceSeconds' | 'type'
> {
  readonly algorithms: readonly JwsAlgorithmName[];
  readonly key: KeyObject;
}

type Members = { [name: string]: ReferenceValue };

export interface ReferenceToken {
  readonly header: Members;
  readonly claims: Members;
}

/** Characters, as the engine has it. */
export const MAX_TOKEN_LENGTH = 16_384;
const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };

function isSignedBy(key: KeyObject, algorithm: string, input: Buffer, signature: Buffer): boolean {
  const digest = `sha${algorithm.slice(2)}`;
  switch (algorithm.slice(0, 2)) {
    case 'HS':
      return createHmac(digest, key).update(input).digest('hex') === signature.toString('hex');
    case 'RS':
      return verify(digest, input, key, signature);
    case 'PS':
      return verify(digest, input, { key, ...PSS }, signature);
    default:
      return verify(digest, input, { key, dsaEncoding: 'ieee-p1363' }, signature);
  }
}

/** RFC 7515 section 4.1.11, and RFC 7797: a payload that is not encoded is never taken. */
export function isCriticalHandled(
  header: Members,
  rules: Pick<ReferenceRules, 'knownCriticalHeaders' | 'ignoreCriticalHeaders'>,
): boolean {
  if (header['b64'] === false) return false;
  if (rules.ignoreCriticalHeaders === true || !Object.hasOwn(header, 'crit')) return true;
  const { crit } = header;
  if (!Array.isArray(crit) || crit.length === 0) return false;
  return crit.every(
    (name) =>
      typeof name === 'string' &&
      name !== 'b64' &&
      rules.knownCriticalHeaders?.includes(name) === true &&
      Object.hasOwn(header, name),
  );
}

/** Media types compare without case; `application/` may be left out. */
export function isTypeFit(typ: ReferenceValue | undefined, wanted: string | undefined): boolean {
  if (wanted === undefined) return true;
  return typeof typ === 'string' && [wanted, `application/${wanted}`].includes(typ.toLowerCase());
}

/** `exp`, `nbf` and `iat`, each a finite number or absent, to the millisecond. */
export function isInTime(
  claims: Members,
  rules: Pick<ReferenceRules, 'timeAllowanceSeconds'>,
  nowSeconds: number,
): boolean {
  const allowanceMs = 1000 * (rules.timeAllowanceSeconds ?? 0);
  const times = ['exp', 'nbf', 'iat'].map((name) => (Object.hasOwn(claims, name) ? claims[name] : undefined));
  if (times.some((time) => time !== undefined && !Number.isFinite(time))) return false;
  const [exp, nbf, iat] = times.map((time) => (typeof time === 'number' ? Math.round(1000 * time) : undefined));
  const nowMs = Math.round(1000 * nowSeconds);
  if (exp !== undefined && nowMs >= exp + allowanceMs) return false;
  return [nbf, iat].every((start) => start === undefined || nowMs >= start - allowanceMs);
}

/** The token's algorithm, when its header may be verified at all. */
function allowedAlgorithm(header: Members, rules: ReferenceRules): JwsAlgorithmName | undefined {
  if (!isCriticalHandled(header, rules) || !isTypeFit(header['typ'], rules.type)) return undefined;
  return rules.algorithms.find((name) => Object.hasOwn(header, 'alg') && name === header['alg']);
}

/**
 * The verdict on a signed token by the letter of RFC 7515, 7518 and 7519 and the engine's documented limits, slow and
 * without memory; undefined: refused.
 */
export function referenceVerdict(token: string, rules: ReferenceRules, nowSeconds: number): ReferenceToken | undefined {
  const parts = token.split('.');
  if (token.length > MAX_TOKEN_LENGTH || parts.length !== 3) return undefined;
  const [headerBytes, payload, signature] = parts.map(referenceBase64Url);
  const header = headerBytes && referenceJsonObject(headerBytes);
  const algorithm = header && allowedAlgorithm(header, rules);
  if (!header || !algorithm || !payload || !signature) return undefined;
  const input = Buffer.from(token.slice(0, token.lastIndexOf('.')), 'utf8');
  if (!isSignedBy(rules.key, algorithm, input, signature)) return undefined;
  const claims = referenceJsonObject(payload);
  return claims !== undefined && isInTime(claims, rules, nowSeconds) ? { header, claims } : undefined;
}
