import { type CriticalRules, compileCriticalCheck } from '../compile-header-check.ts';
import {
  isJweContentAlgorithmName,
  type JweContentAlgorithmName,
  type JweKeyAlgorithmName,
} from '../jwe-algorithms.ts';
import { type JsonObject, type JsonValue } from '../json-value.ts';
import { type JwtRefusal, refusal } from '../jwt-refusal.ts';
import { decodeBase64Url } from '../strict-base64url.ts';
import { parseJsonObject } from '../strict-json.ts';
import { MAX_TOKEN_LENGTH } from '../token-rules.ts';

/** A token in compact form (RFC 7516 section 7.1), taken apart; nothing of it is authentic yet. */
export interface EncryptedToken {
  readonly header: JsonObject;
  readonly headerText: string;
  readonly encryptedKey: Buffer;
  readonly initializationVector: Buffer;
  readonly ciphertext: Buffer;
  readonly tag: Buffer;
  /** The token's `enc`, which the configuration allows. */
  readonly contentAlgorithm: JweContentAlgorithmName;
}

export interface EncryptionHeaderRules extends CriticalRules {
  readonly encryption: {
    readonly keyAlgorithm: JweKeyAlgorithmName;
    readonly contentAlgorithm?: JweContentAlgorithmName;
  };
}

type DecodedParts = readonly [header: Buffer, key: Buffer, vector: Buffer, ciphertext: Buffer, tag: Buffer];

const decodeParts = (texts: readonly string[]): DecodedParts | undefined => {
  const [header = '', key = '', vector = '', ciphertext = '', tag = ''] = texts;
  const parts = [header, key, vector, ciphertext, tag].map(decodeBase64Url);
  return parts.includes(undefined) ? undefined : (parts as unknown as DecodedParts);
};

/** The checks of `alg`, `enc`, `crit` and `typ` in this order; returns the token's `enc`. */
const compileHeaderCheck = (
  rules: EncryptionHeaderRules,
): ((header: JsonObject) => JweContentAlgorithmName | JwtRefusal) => {
  const { keyAlgorithm, contentAlgorithm } = rules.encryption;
  const checkRest = compileCriticalCheck(rules);
  return (header) => {
    const { alg, enc } = header;
    if (typeof alg !== 'string') return refusal('NoAlgorithmInHeader');
    if (alg !== keyAlgorithm) return refusal('AlgorithmNotAllowed', { algorithm: alg });
    if (typeof enc !== 'string') return refusal('NoAlgorithmInHeader');
    const isAllowed = isJweContentAlgorithmName(enc) && (contentAlgorithm ?? enc) === enc;
    return isAllowed ? (checkRest(header) ?? enc) : refusal('AlgorithmNotAllowed', { algorithm: enc });
  };
};

/** Prepares taking tokens apart and the checks that need no key (steps 3 to 7 of the evaluation order). */
export const compileTokenReader = (rules: EncryptionHeaderRules): ((token: string) => EncryptedToken | JwtRefusal) => {
  const checkHeader = compileHeaderCheck(rules);
  return (token) => {
    if (token.length > MAX_TOKEN_LENGTH) return refusal('MalformedToken');
    const texts = token.split('.', 6);
    const parts = texts.length === 5 ? decodeParts(texts) : undefined;
    if (parts === undefined) return refusal('MalformedToken');
    const [headerBytes, encryptedKey, initializationVector, ciphertext, tag] = parts;
    const parsed = parseJsonObject(headerBytes);
    if (parsed === undefined) return refusal('InvalidJsonFormat');
    const contentAlgorithm = checkHeader(parsed.value);
    if (typeof contentAlgorithm !== 'string') return contentAlgorithm;
    return {
      header: parsed.value,
      headerText: parsed.text,
      encryptedKey,
      initializationVector,
      ciphertext,
      tag,
      contentAlgorithm,
    };
  };
};

/** A header parameter that holds bytes; undefined when it is absent or not base64url in its one spelling. */
export const bytesOfParameter = (value: JsonValue | undefined): Buffer | undefined =>
  typeof value === 'string' ? decodeBase64Url(value) : undefined;
