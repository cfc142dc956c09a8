import type { RawVerifyJwt, SECRET_ENCODINGS } from './verify-jwt-schema.ts';
import type { Culprit, VerifyJwtFindings } from './verify-jwt-findings.ts';
import { KEY_ELEMENTS } from './verify-jwt-key-elements.ts';

export type SecretEncodingName = (typeof SECRET_ENCODINGS)[number];

export interface SecretKeyElement {
  /** Left out: the UTF-8 bytes of the text are the key. */
  readonly encoding?: SecretEncodingName | undefined;
  /** A variable whose name starts with `private.`. */
  readonly ref: string;
}

interface RawSecret {
  readonly ref?: string | undefined;
  readonly value?: unknown;
}

/** Where a secret's two ways in stand in the policy, for what is said of it. */
interface SecretPlace {
  /** Path of the element that must hold the reference. */
  readonly field: string;
  readonly ref: string;
  readonly value: string;
  readonly culprit: Culprit;
}

/** The variable that holds a secret: a secret written into the policy itself is refused, and so is any other variable. */
export function privateReference(raw: RawSecret, place: SecretPlace, findings: VerifyJwtFindings): string {
  const { culprit } = place;
  if (raw.value !== undefined) findings.refuse('InvalidSecretInConfig', place.value, culprit);
  const ref = raw.ref?.trim() ?? '';
  if (ref !== '') {
    if (!/^private\../.test(ref)) findings.refuse('InvalidVariableNameForSecret', place.ref, culprit);
  } else if (raw.value === undefined) {
    // Apigee tells a Value that is missing from one that is empty.
    if (raw.ref === undefined) findings.refuse('InvalidKeyConfiguration', place.field, culprit);
    else findings.refuse('EmptyElementForKeyConfiguration', place.ref, culprit);
  }
  return ref;
}

/** The `ref` of a key element. */
export function keyReference(
  member: 'secretKey' | 'privateKey' | 'passwordKey' | 'directKey',
  raw: RawSecret,
  findings: VerifyJwtFindings,
): string {
  const place = { field: member, ref: `${member}.ref`, value: `${member}.value`, culprit: KEY_ELEMENTS[member] };
  return privateReference(raw, place, findings);
}

export function secretKeyOf(raw: RawVerifyJwt['secretKey'], findings: VerifyJwtFindings): SecretKeyElement | undefined {
  if (raw === undefined) return undefined;
  if (raw.id !== undefined) {
    findings.refuse('InvalidConfigurationForVerify', 'secretKey.id', { kind: 'element', name: 'Id' });
  }
  const ref = keyReference('secretKey', raw, findings);
  return { ...(raw.encoding === undefined ? {} : { encoding: raw.encoding }), ref };
}
