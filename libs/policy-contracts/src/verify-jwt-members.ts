import type { RawMember, RawMembersElement } from './verify-jwt-schema.ts';
import type { DeploymentErrorName, VerifyJwtFindings } from './verify-jwt-findings.ts';
import { textOrRef } from './verify-jwt-elements.ts';
import { MEMBER_TYPES, valueWarnings, type MemberType } from './verify-jwt-member-values.ts';

export type { MemberType };

/** One member that a token's payload or header must hold, equal to this (`verify-jwt.md` 3.6). */
export interface ExpectedMember {
  readonly name: string;
  readonly value?: string | undefined;
  readonly ref?: string | undefined;
  readonly type: MemberType;
  readonly array: boolean;
}

export interface ExpectedMembers {
  /** A variable that holds a JSON object; every member of it must be in the token. */
  readonly ref?: string | undefined;
  readonly claims: readonly ExpectedMember[];
}

interface MemberRules {
  readonly field: 'additionalClaims' | 'additionalHeaders';
  readonly kind: 'claim' | 'header';
  readonly reserved: readonly string[];
  readonly missingName: DeploymentErrorName;
  readonly invalidName: DeploymentErrorName;
  readonly invalidType: DeploymentErrorName;
}

export const CLAIM_RULES: MemberRules = {
  field: 'additionalClaims',
  kind: 'claim',
  reserved: ['kid', 'iss', 'sub', 'aud', 'iat', 'exp', 'nbf', 'jti'],
  missingName: 'MissingNameForAdditionalClaim',
  invalidName: 'InvalidNameForAdditionalClaim',
  invalidType: 'InvalidTypeForAdditionalClaim',
};

export const HEADER_RULES: MemberRules = {
  field: 'additionalHeaders',
  kind: 'header',
  reserved: ['alg', 'typ'],
  missingName: 'MissingNameForAdditionalHeader',
  invalidName: 'InvalidNameForAdditionalHeader',
  invalidType: 'InvalidTypeForAdditionalHeader',
};

const isMemberType = (text: string): text is MemberType => (MEMBER_TYPES as readonly string[]).includes(text);

function typeOf(raw: RawMember, at: string, rules: MemberRules, findings: VerifyJwtFindings): MemberType {
  const type = raw.type ?? 'string';
  if (isMemberType(type)) return type;
  findings.refuse(rules.invalidType, `${at}.type`, { kind: rules.kind, name: raw.name ?? '' });
  return 'string';
}

function checkName(name: string, at: string, rules: MemberRules, findings: VerifyJwtFindings): void {
  if (name === '') findings.refuse(rules.missingName, `${at}.name`);
  else if (rules.reserved.includes(name)) {
    findings.refuse(rules.invalidName, `${at}.name`, { kind: rules.kind, name });
  }
}

function memberOf(raw: RawMember, at: string, rules: MemberRules, findings: VerifyJwtFindings): ExpectedMember {
  const name = raw.name?.trim() ?? '';
  checkName(name, at, rules, findings);
  const type = typeOf(raw, at, rules, findings);
  if (raw.array !== undefined && typeof raw.array !== 'boolean') {
    findings.refuse('InvalidValueOfArrayAttribute', `${at}.array`, { kind: rules.kind, name });
  }
  const expected = textOrRef(raw);
  if (expected === undefined) {
    findings.warn(
      at,
      'has neither value nor ref, so only an empty text equals it; to demand presence use requiredClaims',
    );
  }
  const array = raw.array === true;
  for (const warning of expected?.value === undefined ? [] : valueWarnings(expected.value, type, array)) {
    findings.warn(`${at}.value`, warning);
  }
  return { name, ...expected, type, array };
}

/** Reads `additionalClaims` or `additionalHeaders`; undefined when nothing is demanded. */
export function expectedMembers(
  raw: RawMembersElement | undefined,
  rules: MemberRules,
  findings: VerifyJwtFindings,
): ExpectedMembers | undefined {
  if (raw === undefined) return undefined;
  const ref = raw.ref?.trim() ?? '';
  const claims = raw.claims.map((claim, index) => memberOf(claim, `${rules.field}.claims[${index}]`, rules, findings));
  if (ref === '' && claims.length === 0) return undefined;
  return { ...(ref === '' ? {} : { ref }), claims };
}
