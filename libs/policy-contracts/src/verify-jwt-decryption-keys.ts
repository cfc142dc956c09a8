import {
  isJweContentAlgorithmName,
  isJweKeyAlgorithmName,
  jweFamily,
  type JweContentAlgorithmName,
  type JweFamily,
  type JweKeyAlgorithmName,
} from '#libs/jwt-engine';
import type { RawVerifyJwt } from './verify-jwt-schema.ts';
import type { Culprit, VerifyJwtFindings } from './verify-jwt-findings.ts';
import {
  keyReference,
  privateReference,
  secretKeyOf,
  type SecretEncodingName,
  type SecretKeyElement,
} from './verify-jwt-secrets.ts';

/** What an encrypted token's `alg` and `enc` must be (`verify-jwt.md` 3.2). */
export interface EncryptionAlgorithms {
  readonly key: JweKeyAlgorithmName;
  /** Left out: any of the six. */
  readonly content?: JweContentAlgorithmName | undefined;
}

export interface PrivateKeyElement {
  /** A variable whose name starts with `private.` and that holds a PEM. */
  readonly ref: string;
  /** The variable with the password of an encrypted PEM. */
  readonly passwordRef?: string | undefined;
}

export interface PasswordKeyElement {
  readonly ref: string;
  /** Checks: the token's salt (in bytes) and `p2c` must be these (`verify-jwt.md` 3.4). */
  readonly saltLength?: number | undefined;
  readonly pbkdf2Iterations?: number | undefined;
}

export interface DirectKeyElement {
  /** Left out: base64, unlike a `secretKey`'s. */
  readonly encoding?: SecretEncodingName | undefined;
  readonly ref: string;
}

/** Exactly the one that the key encryption algorithm needs. */
export interface DecryptionKeys {
  readonly secretKey?: SecretKeyElement | undefined;
  readonly privateKey?: PrivateKeyElement | undefined;
  readonly passwordKey?: PasswordKeyElement | undefined;
  readonly directKey?: DirectKeyElement | undefined;
}

const KEY_OF_FAMILY: Readonly<Record<JweFamily, keyof DecryptionKeys>> = {
  direct: 'directKey',
  rsa: 'privateKey',
  wrap: 'secretKey',
  'gcm-wrap': 'secretKey',
  password: 'passwordKey',
  agreement: 'privateKey',
};

/** The key element that an encrypted token's algorithm needs (`verify-jwt.md` 3.2). */
export const decryptionKeyFor = (algorithm: JweKeyAlgorithmName): keyof DecryptionKeys =>
  KEY_OF_FAMILY[jweFamily(algorithm)];

const element = (name: string): Culprit => ({ kind: 'element', name });

function contentAlgorithmOf(text: string, findings: VerifyJwtFindings): JweContentAlgorithmName | undefined {
  if (text === '' || isJweContentAlgorithmName(text)) return text === '' ? undefined : text;
  findings.refuse('InvalidValueForElement', 'algorithms.content', element('Content'));
  return undefined;
}

/** Reads `algorithms`; undefined when the key encryption algorithm is none that the policy knows, which is reported. */
export function encryptionAlgorithmsOf(
  raw: RawVerifyJwt['algorithms'],
  findings: VerifyJwtFindings,
): EncryptionAlgorithms | undefined {
  if (raw === undefined) {
    findings.refuse('MissingConfigurationElement', 'algorithms', element('Algorithms'));
    return undefined;
  }
  const key = raw.key?.trim() ?? '';
  const content = contentAlgorithmOf(raw.content?.trim() ?? '', findings);
  if (isJweKeyAlgorithmName(key)) return { key, ...(content === undefined ? {} : { content }) };
  const fault = key === '' ? 'MissingConfigurationElement' : 'InvalidValueForElement';
  findings.refuse(fault, 'algorithms.key', element('Key'));
  return undefined;
}

const PASSWORD = {
  field: 'privateKey.passwordRef',
  ref: 'privateKey.passwordRef',
  value: 'privateKey.password',
  culprit: element('Password'),
};

function privateKeyOf(raw: RawVerifyJwt['privateKey'], findings: VerifyJwtFindings): PrivateKeyElement | undefined {
  if (raw === undefined) return undefined;
  const ref = keyReference('privateKey', raw, findings);
  const { password, passwordRef } = raw;
  if (password === undefined && passwordRef === undefined) return { ref };
  return { ref, passwordRef: privateReference({ ref: passwordRef, value: password }, PASSWORD, findings) };
}

function passwordKeyOf(raw: RawVerifyJwt['passwordKey'], findings: VerifyJwtFindings): PasswordKeyElement | undefined {
  if (raw === undefined) return undefined;
  const ref = keyReference('passwordKey', raw, findings);
  const { saltLength, pbkdf2Iterations } = raw;
  return {
    ref,
    ...(saltLength === undefined ? {} : { saltLength }),
    ...(pbkdf2Iterations === undefined ? {} : { pbkdf2Iterations }),
  };
}

function directKeyOf(raw: RawVerifyJwt['directKey'], findings: VerifyJwtFindings): DirectKeyElement | undefined {
  if (raw === undefined) return undefined;
  const ref = keyReference('directKey', raw, findings);
  return { ...(raw.encoding === undefined ? {} : { encoding: raw.encoding }), ref };
}

/** Reads every secret that the policy names, whether or not its algorithm needs it: all faults at once. */
export const decryptionKeysOf = (raw: RawVerifyJwt, findings: VerifyJwtFindings): DecryptionKeys => ({
  secretKey: secretKeyOf(raw.secretKey, findings),
  privateKey: privateKeyOf(raw.privateKey, findings),
  passwordKey: passwordKeyOf(raw.passwordKey, findings),
  directKey: directKeyOf(raw.directKey, findings),
});
