import { KeyObject } from 'node:crypto';
import {
  checkKeyFor,
  isJwsAlgorithmName,
  jwksSelectorFrom,
  jwsFamily,
  publicKeyFrom,
  type JwsAlgorithmName,
} from '#libs/jwt-engine';
import type { RawVerifyJwt } from './verify-jwt-schema.ts';
import { isFromCaller, isPlainlyFromCaller } from './verify-jwt-caller-variables.ts';
import { isDeploymentErrorName, type VerifyJwtFindings } from './verify-jwt-findings.ts';
import { jwksAddressOf } from './verify-jwt-jwks-address.ts';
import { KEY_ELEMENTS } from './verify-jwt-key-elements.ts';
import { textOrRef, type TextOrRef } from './verify-jwt-elements.ts';

/** A key set: text and/or `ref`, or `uri`, or `uriRef` (`verify-jwt.md` 3.3). */
export interface JwksElement extends TextOrRef {
  /** Where the set is fetched from. */
  readonly uri?: string | undefined;
  /** The variable that holds the address. */
  readonly uriRef?: string | undefined;
}

/** Exactly one of the three. */
export interface PublicKeyElement {
  readonly value?: TextOrRef | undefined;
  readonly certificate?: TextOrRef | undefined;
  readonly jwks?: JwksElement | undefined;
}

/** A certificate where one is demanded: a bare key in its place is not one. */
export const CERTIFICATE_PEM = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----/;

const PUBLIC_KEY = KEY_ELEMENTS.publicKey;
const ALGORITHM = { kind: 'element', name: 'Algorithm' } as const;

/** Reads `algorithm`: known names, HS and ES not mixed with others (`verify-jwt.md` 3.2). */
export function algorithmsOf(raw: RawVerifyJwt, findings: VerifyJwtFindings): JwsAlgorithmName[] {
  const names = [...new Set((raw.algorithm ?? []).map((name) => name.trim()))];
  if (names.length === 0) {
    findings.refuse('MissingConfigurationElement', 'algorithm', ALGORITHM);
    return [];
  }
  const known = names.filter(isJwsAlgorithmName);
  if (known.length < names.length) {
    findings.refuse('InvalidValueForElement', 'algorithm', ALGORITHM);
    return [];
  }
  const families = new Set(known.map(jwsFamily));
  if (families.size > 1 && (families.has('HS') || families.has('ES'))) {
    findings.refuse('InvalidFamiliesForAlgorithm', 'algorithm', ALGORITHM);
    return [];
  }
  return known;
}

/** Members of a JWK that only a private or symmetric key has (RFC 7518 section 6). */
const PRIVATE_JWK_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const jwksIn = (documentText: string) =>
  (JSON.parse(documentText) as { readonly keys: readonly unknown[] }).keys.filter(isObject);

const isPrivate = (jwk: object): boolean => PRIVATE_JWK_MEMBERS.some((member) => Object.hasOwn(jwk, member));

/** A set is refused when none of its keys can ever be used: then with the fault of the first. */
function literalSetFault(text: string, algorithms: readonly JwsAlgorithmName[]): string | undefined {
  const select = jwksSelectorFrom(text);
  if (typeof select !== 'function') return 'InvalidPublicKeyValue';
  const jwks = jwksIn(text);
  const keyIds = jwks.map(({ kid }) => kid).filter((kid) => typeof kid === 'string' && kid !== '');
  if (jwks.some(isPrivate) || keyIds.length === 0) return 'InvalidPublicKeyValue';
  const refusals = keyIds.flatMap((kid) =>
    algorithms.map((algorithm) => {
      const key = select({ kid: kid as string }, algorithm, undefined);
      return key instanceof KeyObject ? checkKeyFor(algorithm, key) : key;
    }),
  );
  return refusals.includes(undefined) ? undefined : refusals[0]?.code;
}

/** The fault of a literal key that can never work: it names the run-time fault, it never repeats the key. */
function literalKeyFault(child: keyof PublicKeyElement, text: string, algorithms: readonly JwsAlgorithmName[]) {
  if (child === 'jwks') return literalSetFault(text, algorithms);
  if (child === 'certificate' && !CERTIFICATE_PEM.test(text)) return 'KeyParsingFailed';
  const key = publicKeyFrom(text);
  if (!(key instanceof KeyObject)) return key.code;
  const refusals = algorithms.map((algorithm) => checkKeyFor(algorithm, key));
  // Several ES algorithms have several curves: a key that fits one of them can work.
  return refusals.includes(undefined) ? undefined : refusals[0]?.code;
}

/**
 * Whoever sends the request must not choose the key (contract 4.1). Earlier versions took the address that was asked for
 * as no part of the request; what they accepted goes on being served, with a warning.
 */
function checkKeySource(field: string, variable: string | undefined, findings: VerifyJwtFindings): void {
  if (variable === undefined || !isFromCaller(variable)) return;
  if (findings.origin === 'sent' || isPlainlyFromCaller(variable)) {
    findings.refuse('InsecureKeySource', field, PUBLIC_KEY);
  } else findings.warn(field, 'lets the caller choose the key: such a policy is not accepted any more');
}

function checkPublicKeyChild(
  child: keyof PublicKeyElement,
  element: TextOrRef,
  algorithms: readonly JwsAlgorithmName[],
  findings: VerifyJwtFindings,
): void {
  checkKeySource(`publicKey.${child}.ref`, element.ref, findings);
  if (element.value === undefined) return;
  const fault = literalKeyFault(child, element.value, algorithms);
  if (fault === undefined) return;
  const name = isDeploymentErrorName(fault) ? fault : 'InvalidPublicKey';
  findings.refuse(name, `publicKey.${child}`, PUBLIC_KEY);
}

export function publicKeyOf(
  { publicKey: raw, allowedJwksHosts }: Pick<RawVerifyJwt, 'publicKey' | 'allowedJwksHosts'>,
  algorithms: readonly JwsAlgorithmName[],
  findings: VerifyJwtFindings,
): PublicKeyElement | undefined {
  if (raw === undefined) return undefined;
  const children = (['value', 'certificate', 'jwks'] as const).filter((name) => raw[name] !== undefined);
  const [child] = children;
  if (child === undefined || children.length > 1) {
    findings.refuse('InvalidKeyConfiguration', 'publicKey', PUBLIC_KEY);
    return undefined;
  }
  const address = jwksAddressOf(raw.jwks, allowedJwksHosts, findings);
  if (address !== undefined) return { jwks: address };
  const element = textOrRef(raw[child]);
  if (element === undefined) {
    findings.refuse('EmptyElementForKeyConfiguration', `publicKey.${child}`, PUBLIC_KEY);
    return undefined;
  }
  checkPublicKeyChild(child, element, algorithms, findings);
  return { [child]: element };
}
