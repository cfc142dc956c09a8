import type { RawVerifyJwt } from './verify-jwt-schema.ts';
import type { Culprit, VerifyJwtFindings } from './verify-jwt-findings.ts';

export type KeyMember = 'secretKey' | 'publicKey' | 'privateKey' | 'passwordKey' | 'directKey';

const element = (name: string): Culprit => ({ kind: 'element', name });

export const KEY_ELEMENTS: Readonly<Record<KeyMember, Culprit>> = {
  secretKey: element('SecretKey'),
  publicKey: element('PublicKey'),
  privateKey: element('PrivateKey'),
  passwordKey: element('PasswordKey'),
  directKey: element('DirectKey'),
};
const KEY_MEMBERS = Object.keys(KEY_ELEMENTS) as KeyMember[];

/** Exactly the key element that the algorithm needs; where another one stands, that is what is wrong. */
export function checkKeyElements(raw: RawVerifyJwt, needed: KeyMember, findings: VerifyJwtFindings): void {
  const given = KEY_MEMBERS.filter((name) => raw[name] !== undefined);
  if (given.length === 0) findings.refuse('MissingConfigurationElement', needed, KEY_ELEMENTS[needed]);
  for (const name of given.filter((other) => other !== needed)) {
    findings.refuse('InvalidConfigurationForActionAndAlgorithm', name, KEY_ELEMENTS[name]);
  }
}

/** Only in Generate (`verify-jwt.md` 3.4); of a `secretKey` and a `publicKey` others decide. */
const WITH_IGNORED_ID = ['privateKey', 'passwordKey', 'directKey'] as const;

export function warnOfKeyIds(raw: RawVerifyJwt, findings: VerifyJwtFindings): void {
  for (const name of WITH_IGNORED_ID) {
    if (raw[name]?.id !== undefined) findings.warn(`${name}.id`, 'has no effect in this policy and is not stored');
  }
}
