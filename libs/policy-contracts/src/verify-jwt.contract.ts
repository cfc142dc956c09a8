import { jwsFamily, type JwsAlgorithmName } from '#libs/jwt-engine';
import type { PolicyBase, PolicyOrigin } from './policy-base.ts';
import { parseWith, type Parsed } from './validation-fault.ts';
import {
  constraint,
  listOrRef,
  textOrRef,
  timeElement,
  type ListOrRef,
  type TextOrRef,
} from './verify-jwt-elements.ts';
import { VerifyJwtFindings } from './verify-jwt-findings.ts';
import { checkKeyElements, warnOfKeyIds } from './verify-jwt-key-elements.ts';
import { algorithmsOf, publicKeyOf, type PublicKeyElement } from './verify-jwt-keys.ts';
import type { SecretKeyElement } from './verify-jwt-secrets.ts';
import {
  decryptionKeyFor,
  decryptionKeysOf,
  encryptionAlgorithmsOf,
  type DecryptionKeys,
  type EncryptionAlgorithms,
} from './verify-jwt-decryption-keys.ts';
import { CLAIM_RULES, expectedMembers, HEADER_RULES, type ExpectedMembers } from './verify-jwt-members.ts';
import { IGNORED_ELEMENTS, VERIFY_JWT_SCHEMA, type RawVerifyJwt } from './verify-jwt-schema.ts';
import { faultsBeside } from './verify-jwt-sound-members.ts';

interface VerifyJwtElements extends PolicyBase {
  readonly type: 'policy-verify-jwt';
  readonly displayName?: string | undefined;
  /** A failure sets its variables and the flow goes on. */
  readonly continueOnError: boolean;
  /** Name of the flow variable that holds the token; left out: the bearer token of the Authorization header. */
  readonly source?: string | undefined;
  readonly subject?: TextOrRef | undefined;
  readonly issuer?: TextOrRef | undefined;
  readonly audience?: TextOrRef | undefined;
  readonly id?: TextOrRef | undefined;
  readonly additionalClaims?: ExpectedMembers | undefined;
  readonly additionalHeaders?: ExpectedMembers | undefined;
  readonly requiredClaims?: ListOrRef | undefined;
  readonly knownHeaders?: ListOrRef | undefined;
  readonly ignoreCriticalHeaders: boolean;
  readonly ignoreIssuedAt: boolean;
  readonly ignoreUnresolvedVariables: boolean;
  /** Added to exp and nbf: `30s`; units s, m, h, d. */
  readonly timeAllowance?: TextOrRef | undefined;
  /** Longest time from nbf (or iat) to exp: `1h`; units s, m, h, d, w. */
  readonly maxLifespan?: (TextOrRef & { readonly useIssueTime: boolean }) | undefined;
  /** Hosts in lower case that a `publicKey.jwks.uriRef` may lead to. Never empty. */
  readonly allowedJwksHosts?: readonly string[] | undefined;
  /** False: every token's signature is checked at every request. */
  readonly cacheVerifiedTokens?: boolean | undefined;
}

/** What decides that a token is a signed one, and with which keys. */
export interface SignedTokens {
  readonly jwtType: 'Signed';
  /** Never empty; HS and ES are not mixed with other families. */
  readonly algorithm: readonly JwsAlgorithmName[];
  readonly secretKey?: SecretKeyElement | undefined;
  readonly publicKey?: PublicKeyElement | undefined;
}

/** What decides that a token is an encrypted one, and with which key. */
export interface EncryptedTokens extends DecryptionKeys {
  readonly jwtType: 'Encrypted';
  readonly algorithms: EncryptionAlgorithms;
}

/** `policy-verify-jwt`: Apigee's VerifyJWT, one member per XML element (contract 4.1). This is also its stored form. */
export type VerifyJwtContract = VerifyJwtElements & (SignedTokens | EncryptedTokens);

const algorithmElement = (jwtType: VerifyJwtContract['jwtType']) =>
  ({ kind: 'element', name: jwtType === 'Signed' ? 'Algorithm' : 'Algorithms' }) as const;

/** Which of the two elements is there decides, never the token (`verify-jwt.md` 3.2); undefined: both. */
function kindOf(raw: RawVerifyJwt): VerifyJwtContract['jwtType'] | undefined {
  if (raw.algorithm !== undefined && raw.algorithms !== undefined) return undefined;
  if (raw.algorithm !== undefined) return 'Signed';
  return raw.algorithms === undefined ? (raw.jwtType ?? 'Signed') : 'Encrypted';
}

function checkKind(
  raw: RawVerifyJwt,
  kind: VerifyJwtContract['jwtType'] | undefined,
  findings: VerifyJwtFindings,
): void {
  if (kind === undefined) findings.refuse('InvalidConfiguration', 'algorithms', algorithmElement('Encrypted'));
  else if (raw.jwtType !== undefined && raw.jwtType !== kind) {
    findings.refuse('InvalidConfigurationForActionAndAlgorithm', 'jwtType', algorithmElement(raw.jwtType));
  }
}

function sourceOf(raw: RawVerifyJwt, findings: VerifyJwtFindings): string | undefined {
  const source = raw.source?.trim();
  if (source === '') findings.refuse('InvalidEmptyElement', 'source', { kind: 'element', name: 'Source' });
  return source;
}

function signedTokens(raw: RawVerifyJwt, findings: VerifyJwtFindings): SignedTokens {
  const algorithm = algorithmsOf(raw, findings);
  const [first] = algorithm;
  if (first !== undefined) checkKeyElements(raw, jwsFamily(first) === 'HS' ? 'secretKey' : 'publicKey', findings);
  // A public key beside an HS algorithm is refused as such; what it would fit is another question.
  const asymmetric = algorithm.filter((name) => jwsFamily(name) !== 'HS');
  const { secretKey } = decryptionKeysOf(raw, findings);
  return { jwtType: 'Signed', algorithm, secretKey, publicKey: publicKeyOf(raw, asymmetric, findings) };
}

/** Undefined: it cannot be said which algorithm it is; the findings say why. */
function encryptedTokens(raw: RawVerifyJwt, findings: VerifyJwtFindings): EncryptedTokens | undefined {
  const algorithms = encryptionAlgorithmsOf(raw.algorithms, findings);
  if (algorithms !== undefined) checkKeyElements(raw, decryptionKeyFor(algorithms.key), findings);
  const keys = decryptionKeysOf(raw, findings);
  return algorithms && { jwtType: 'Encrypted', algorithms, ...keys };
}

/** Undefined: it is no policy, and the findings say why. Of a policy that is both nothing more can be said of its keys. */
function tokensOf(raw: RawVerifyJwt, findings: VerifyJwtFindings): SignedTokens | EncryptedTokens | undefined {
  const kind = kindOf(raw);
  checkKind(raw, kind, findings);
  if (kind === undefined) return undefined;
  return kind === 'Signed' ? signedTokens(raw, findings) : encryptedTokens(raw, findings);
}

function lifespanOf(raw: RawVerifyJwt, findings: VerifyJwtFindings): VerifyJwtContract['maxLifespan'] {
  const given = raw.maxLifespan;
  const element = timeElement('maxLifespan', given, findings);
  return element === undefined || given === undefined ? undefined : { ...element, useIssueTime: given.useIssueTime };
}

function jwksHostsOf(raw: RawVerifyJwt, findings: VerifyJwtFindings): readonly string[] | undefined {
  if (raw.allowedJwksHosts.length === 0) return undefined;
  if (raw.publicKey?.jwks?.uriRef === undefined) {
    findings.warn('allowedJwksHosts', 'matters for publicKey.jwks.uriRef alone');
  }
  return [...new Set(raw.allowedJwksHosts.map((host) => host.toLowerCase()))];
}

function warnOfNothing(raw: RawVerifyJwt, findings: VerifyJwtFindings): void {
  for (const name of IGNORED_ELEMENTS) {
    if (raw[name] !== undefined) findings.warn(name, 'has no effect in this policy and is not stored');
  }
  warnOfKeyIds(raw, findings);
  if (textOrRef(raw.publicKey?.value)?.ref?.startsWith('private.') === true) {
    findings.warn('publicKey.value.ref', 'a public key need not be a private variable');
  }
}

function contractOf(raw: RawVerifyJwt, findings: VerifyJwtFindings): VerifyJwtContract | undefined {
  warnOfNothing(raw, findings);
  const tokens = tokensOf(raw, findings);
  const elements = elementsOf(raw, findings);
  if (tokens?.jwtType === 'Encrypted' && raw.cacheVerifiedTokens !== undefined) {
    findings.warn('cacheVerifiedTokens', 'matters for signed tokens alone: encrypted ones are opened every time');
  }
  return tokens && { ...elements, ...tokens };
}

function elementsOf(raw: RawVerifyJwt, findings: VerifyJwtFindings): VerifyJwtElements {
  return {
    type: raw.type,
    description: raw.description,
    active: raw.active,
    condition: raw.condition,
    forwardVariables: raw.forwardVariables,
    displayName: raw.displayName?.trim() || undefined,
    continueOnError: raw.continueOnError,
    source: sourceOf(raw, findings),
    subject: constraint('subject', raw.subject, findings),
    issuer: constraint('issuer', raw.issuer, findings),
    audience: constraint('audience', raw.audience, findings),
    id: constraint('id', raw.id, findings),
    additionalClaims: expectedMembers(raw.additionalClaims, CLAIM_RULES, findings),
    additionalHeaders: expectedMembers(raw.additionalHeaders, HEADER_RULES, findings),
    requiredClaims: listOrRef(raw.requiredClaims),
    knownHeaders: listOrRef(raw.knownHeaders),
    ignoreCriticalHeaders: raw.ignoreCriticalHeaders,
    ignoreIssuedAt: raw.ignoreIssuedAt,
    ignoreUnresolvedVariables: raw.ignoreUnresolvedVariables,
    timeAllowance: timeElement('timeAllowance', raw.timeAllowance, findings),
    maxLifespan: lifespanOf(raw, findings),
    allowedJwksHosts: jwksHostsOf(raw, findings),
    cacheVerifiedTokens: raw.cacheVerifiedTokens,
  };
}

/**
 * Reads a `policy-verify-jwt` body under `policy`; every fault at once. Rules of Apigee have Apigee's deployment error
 * as their code and its text as message; `policyName` is what those texts name (`verify-jwt.md` part 5).
 * What an earlier version stored is read whatever is refused today of a policy that somebody sends.
 */
export function parseVerifyJwt(
  input: unknown,
  policyName?: string,
  origin: PolicyOrigin = 'stored',
): Parsed<VerifyJwtContract> {
  const parsed = parseWith(VERIFY_JWT_SCHEMA, input, 'policy');
  const findings = new VerifyJwtFindings(policyName, origin);
  if (!parsed.ok) {
    const judge = (rest: RawVerifyJwt) => {
      contractOf(rest, findings);
      return findings.faults;
    };
    return { ok: false, faults: [...parsed.faults, ...faultsBeside(parsed.faults, input, judge)] };
  }
  const value = contractOf(parsed.value, findings);
  if (value === undefined || findings.faults.length > 0) return { ok: false, faults: findings.faults };
  return { ok: true, value, warnings: findings.warnings };
}
