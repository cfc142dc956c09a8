import type { RawVerifyJwt, SECRET_ENCODINGS } from './verify-jwt-schema.ts';
import type { Culprit, VerifyJwtFindings } from './verify-jwt-findings.ts';

export type SecretEncodingName = (typeof SECRET_ENCODINGS)[number];

export interface SecretKeyElement {
  /** Left out: the UTF-8 bytes of the text are the key. */
  readonly encoding?: SecretEncodingName | undefined;
  /** A variable whose name starts with `private.`. */
  readonly ref: string;
}

/** Where a secret stands in the policy, for what is said of it. */
interface SecretPlace {
  readonly field: string;
  readonly culprit: Culprit;
}

/** The variable that holds a secret: a secret written into the policy itself is refused, and so is any other variable. */
export function privateReference(
  raw: { readonly ref?: string | undefined; readonly value?: unknown },
  { field, culprit }: SecretPlace,
  findings: VerifyJwtFindings,
): string {
  if (raw.value !== undefined) findings.refuse('InvalidSecretInConfig', `${field}.value`, culprit);
  const ref = raw.ref?.trim() ?? '';
  if (ref === '') {
    // Apigee tells a Value that is missing from one that is empty.
    const isMissing = raw.ref === undefined;
    const fault = isMissing ? 'InvalidKeyConfiguration' : 'EmptyElementForKeyConfiguration';
    if (raw.value === undefined) findings.refuse(fault, isMissing ? field : `${field}.ref`, culprit);
  } else if (!/^private\../.test(ref)) findings.refuse('InvalidVariableNameForSecret', `${field}.ref`, culprit);
  return ref;
}

const SECRET_KEY = { kind: 'element', name: 'SecretKey' } as const;

export function secretKeyOf(raw: RawVerifyJwt['secretKey'], findings: VerifyJwtFindings): SecretKeyElement | undefined {
  if (raw === undefined) return undefined;
  if (raw.id !== undefined)
    findings.refuse('InvalidConfigurationForVerify', 'secretKey.id', { kind: 'element', name: 'Id' });
  const ref = privateReference(raw, { field: 'secretKey', culprit: SECRET_KEY }, findings);
  return { ...(raw.encoding === undefined ? {} : { encoding: raw.encoding }), ref };
}
