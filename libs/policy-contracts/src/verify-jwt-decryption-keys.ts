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
import { privateReference, secretKeyOf, type SecretEncodingName, type SecretKeyElement } from './verify-jwt-secrets.ts';

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

export type DecryptionKeyName = keyof DecryptionKeys;

const KEY_OF_FAMILY: Readonly<Record<JweFamily, DecryptionKeyName>> = {
  direct: 'directKey',
  rsa: 'privateKey',
  wrap: 'secretKey',
  'gcm-wrap': 'secretKey',
  password: 'passwordKey',
  agreement: 'privateKey',
};

const element = (name: string): Culprit => ({ kind: 'element', name });
const KEY_ELEMENTS: Readonly<Record<DecryptionKeyName, Culprit>> = {
  secretKey: element('SecretKey'),
  privateKey: element('PrivateKey'),
  passwordKey: element('PasswordKey'),
  directKey: element('DirectKey'),
};

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
  const key = raw?.key?.trim() ?? '';
  const content = contentAlgorithmOf(raw?.content?.trim() ?? '', findings);
  if (isJweKeyAlgorithmName(key)) return { key, ...(content === undefined ? {} : { content }) };
  const fault = key === '' ? 'MissingConfigurationElement' : 'InvalidValueForElement';
  findings.refuse(fault, 'algorithms.key', element('Key'));
  return undefined;
}

function privateKeyOf(raw: RawVerifyJwt['privateKey'], findings: VerifyJwtFindings): PrivateKeyElement | undefined {
  if (raw === undefined) return undefined;
  const ref = privateReference(raw, { field: 'privateKey', culprit: KEY_ELEMENTS.privateKey }, findings);
  if (raw.password !== undefined) {
    findings.refuse('InvalidSecretInConfig', 'privateKey.password', element('Password'));
  }
  if (raw.passwordRef === undefined) return { ref };
  const password = { ref: raw.passwordRef };
  return {
    ref,
    passwordRef: privateReference(
      password,
      { field: 'privateKey.passwordRef', culprit: element('Password') },
      findings,
    ),
  };
}

function passwordKeyOf(raw: RawVerifyJwt['passwordKey'], findings: VerifyJwtFindings): PasswordKeyElement | undefined {
  if (raw === undefined) return undefined;
  const ref = privateReference(raw, { field: 'passwordKey', culprit: KEY_ELEMENTS.passwordKey }, findings);
  const { saltLength, pbkdf2Iterations } = raw;
  return {
    ref,
    ...(saltLength === undefined ? {} : { saltLength }),
    ...(pbkdf2Iterations === undefined ? {} : { pbkdf2Iterations }),
  };
}

function directKeyOf(raw: RawVerifyJwt['directKey'], findings: VerifyJwtFindings): DirectKeyElement | undefined {
  if (raw === undefined) return undefined;
  const ref = privateReference(raw, { field: 'directKey', culprit: KEY_ELEMENTS.directKey }, findings);
  return { ...(raw.encoding === undefined ? {} : { encoding: raw.encoding }), ref };
}

/** Reads the key elements of an encrypted token's policy; exactly the one that the algorithm needs may be there. */
export function decryptionKeysOf(
  raw: RawVerifyJwt,
  algorithms: EncryptionAlgorithms | undefined,
  findings: VerifyJwtFindings,
): DecryptionKeys {
  const needed = algorithms === undefined ? undefined : KEY_OF_FAMILY[jweFamily(algorithms.key)];
  if (needed !== undefined && raw[needed] === undefined) {
    findings.refuse('MissingConfigurationElement', needed, KEY_ELEMENTS[needed]);
  }
  const names = Object.keys(KEY_ELEMENTS) as DecryptionKeyName[];
  for (const name of names.filter((other) => needed !== undefined && other !== needed)) {
    if (raw[name] !== undefined) {
      findings.refuse('InvalidConfigurationForActionAndAlgorithm', name, KEY_ELEMENTS[name]);
    }
  }
  if (raw.publicKey !== undefined) {
    findings.refuse('InvalidConfigurationForActionAndAlgorithm', 'publicKey', element('PublicKey'));
  }
  return {
    secretKey: secretKeyOf(raw.secretKey, findings),
    privateKey: privateKeyOf(raw.privateKey, findings),
    passwordKey: passwordKeyOf(raw.passwordKey, findings),
    directKey: directKeyOf(raw.directKey, findings),
  };
}
