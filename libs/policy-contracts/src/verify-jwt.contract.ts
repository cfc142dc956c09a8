import { jwsFamily, type JwsAlgorithmName } from '#libs/jwt-engine';
import type { PolicyBase } from './policy-base.ts';
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
import {
  algorithmsOf,
  checkKeyElements,
  publicKeyOf,
  secretKeyOf,
  type PublicKeyElement,
  type SecretKeyElement,
} from './verify-jwt-keys.ts';
import { CLAIM_RULES, expectedMembers, HEADER_RULES, type ExpectedMembers } from './verify-jwt-members.ts';
import { IGNORED_ELEMENTS, UNSUPPORTED_ELEMENTS, VERIFY_JWT_SCHEMA, type RawVerifyJwt } from './verify-jwt-schema.ts';

/** `policy-verify-jwt`: Apigee's VerifyJWT, one member per XML element (contract 4.1). This is also its stored form. */
export interface VerifyJwtContract extends PolicyBase {
  readonly type: 'policy-verify-jwt';
  readonly displayName?: string | undefined;
  /** A failure sets its variables and the flow goes on. */
  readonly continueOnError: boolean;
  /** Never empty; HS and ES are not mixed with other families. */
  readonly algorithm: readonly JwsAlgorithmName[];
  readonly jwtType: 'Signed';
  /** Name of the flow variable that holds the token; left out: the bearer token of the Authorization header. */
  readonly source?: string | undefined;
  readonly secretKey?: SecretKeyElement | undefined;
  readonly publicKey?: PublicKeyElement | undefined;
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
}

function checkKind(raw: RawVerifyJwt, findings: VerifyJwtFindings): void {
  if (raw.algorithm !== undefined && raw.algorithms !== undefined) {
    findings.refuse('InvalidConfiguration', 'algorithms', { kind: 'element', name: 'Algorithms' });
  }
  for (const name of UNSUPPORTED_ELEMENTS) {
    if (raw[name] === undefined || (name === 'algorithms' && raw.algorithm !== undefined)) continue;
    findings.notSupported(name, `${name} (encrypted tokens)`);
  }
  if (raw.jwtType === 'Encrypted') findings.notSupported('jwtType', 'jwtType Encrypted');
}

function sourceOf(raw: RawVerifyJwt, findings: VerifyJwtFindings): string | undefined {
  const source = raw.source?.trim();
  if (source === '') findings.refuse('InvalidEmptyElement', 'source', { kind: 'element', name: 'Source' });
  return source;
}

function keysOf(raw: RawVerifyJwt, findings: VerifyJwtFindings) {
  const algorithm = algorithmsOf(raw, findings);
  checkKeyElements(raw, algorithm, findings);
  // A public key beside an HS algorithm is refused as such; what it would fit is another question.
  const asymmetric = algorithm.filter((name) => jwsFamily(name) !== 'HS');
  return {
    algorithm,
    secretKey: secretKeyOf(raw.secretKey, findings),
    publicKey: publicKeyOf(raw, asymmetric, findings),
  };
}

function lifespanOf(raw: RawVerifyJwt, findings: VerifyJwtFindings): VerifyJwtContract['maxLifespan'] {
  const given = raw.maxLifespan;
  const element = timeElement('maxLifespan', given, findings);
  return element === undefined || given === undefined ? undefined : { ...element, useIssueTime: given.useIssueTime };
}

function jwksHostsOf(raw: RawVerifyJwt, findings: VerifyJwtFindings): readonly string[] | undefined {
  if (raw.allowedJwksHosts.length === 0) return undefined;
  findings.warn('allowedJwksHosts', 'matters for publicKey.jwks.uriRef alone, which this version does not support');
  return [...new Set(raw.allowedJwksHosts.map((host) => host.toLowerCase()))];
}

function warnOfNothing(raw: RawVerifyJwt, findings: VerifyJwtFindings): void {
  for (const name of IGNORED_ELEMENTS) {
    if (raw[name] !== undefined) findings.warn(name, 'has no effect in this policy and is not stored');
  }
  if (textOrRef(raw.publicKey?.value)?.ref?.startsWith('private.') === true) {
    findings.warn('publicKey.value.ref', 'a public key need not be a private variable');
  }
}

function contractOf(raw: RawVerifyJwt, findings: VerifyJwtFindings): VerifyJwtContract {
  checkKind(raw, findings);
  warnOfNothing(raw, findings);
  return {
    type: raw.type,
    description: raw.description,
    active: raw.active,
    condition: raw.condition,
    forwardVariables: raw.forwardVariables,
    displayName: raw.displayName?.trim() || undefined,
    continueOnError: raw.continueOnError,
    ...keysOf(raw, findings),
    jwtType: 'Signed',
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
  };
}

/**
 * Reads a `policy-verify-jwt` body under `policy`; every fault at once. Rules of Apigee have Apigee's deployment error
 * as their code and its text as message; `policyName` is what those texts name (`verify-jwt.md` part 5).
 */
export function parseVerifyJwt(input: unknown, policyName?: string): Parsed<VerifyJwtContract> {
  const parsed = parseWith(VERIFY_JWT_SCHEMA, input, 'policy');
  if (!parsed.ok) return parsed;
  const findings = new VerifyJwtFindings(policyName);
  const value = contractOf(parsed.value, findings);
  if (findings.faults.length > 0) return { ok: false, faults: findings.faults };
  return { ok: true, value, warnings: findings.warnings };
}
