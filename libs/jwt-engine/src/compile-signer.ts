import { createHmac, type KeyObject, sign } from 'node:crypto';
import { checkKeyFor } from './check-key.ts';
import { isJwsAlgorithmName, type JwsAlgorithmName, jwsRules } from './jws-algorithms.ts';
import { type JsonObject } from './json-value.ts';
import { type JwtRefusalCode } from './jwt-refusal.ts';
import { PSS_OPTIONS } from './signature-check.ts';

export interface SignerOptions {
  readonly algorithm: JwsAlgorithmName;
  /** A secret for HS, else a private key. */
  readonly key: KeyObject;
  /** Becomes `kid`. */
  readonly keyId?: string;
  /** Becomes `typ`, e.g. `at+jwt`. */
  readonly type?: string;
}

/** A signer was asked for with a key that cannot sign for its algorithm. */
export class UnusableSigningKey extends Error {
  readonly code = 'UNUSABLE_SIGNING_KEY';
  constructor(
    readonly algorithm: JwsAlgorithmName,
    readonly fault: JwtRefusalCode,
  ) {
    super(`the key cannot sign for ${algorithm}: ${fault}`);
    this.name = 'UnusableSigningKey';
  }
}

type SignBytes = (signingInput: string) => Buffer;

const compileSignature = (algorithm: JwsAlgorithmName, key: KeyObject): SignBytes => {
  const rules = jwsRules(algorithm);
  const { digest } = rules;
  switch (rules.family) {
    case 'HS':
      return (input) => createHmac(digest, key).update(input, 'latin1').digest();
    case 'RS':
      return (input) => sign(digest, Buffer.from(input, 'latin1'), key);
    case 'PS':
      return (input) => sign(digest, Buffer.from(input, 'latin1'), { key, ...PSS_OPTIONS });
    case 'ES':
      return (input) => sign(digest, Buffer.from(input, 'latin1'), { key, dsaEncoding: 'ieee-p1363' });
  }
};

const encode = (value: JsonObject): string => Buffer.from(JSON.stringify(value), 'utf8').toString('base64url');

const requireSigningKey = (algorithm: JwsAlgorithmName, key: KeyObject): void => {
  const fault = checkKeyFor(algorithm, key);
  if (fault !== undefined) throw new UnusableSigningKey(algorithm, fault.code);
  if (key.type === 'public') throw new UnusableSigningKey(algorithm, 'InvalidPrivateKey');
};

/**
 * Resolves key and header once and returns the function that signs claims (RFC 7515 section 7.1). Claims are written as
 * they are: the caller sets `iat`, `exp` and the rest. A token longer than `MAX_TOKEN_LENGTH` is refused by verifiers.
 *
 * @throws RangeError when the algorithm is unknown.
 * @throws UnusableSigningKey when the key does not fit the algorithm or is public.
 */
export const compileSigner = (options: SignerOptions): ((claims: JsonObject) => string) => {
  const { algorithm, key, keyId, type } = options;
  if (!isJwsAlgorithmName(algorithm)) throw new RangeError(`unknown algorithm ${String(algorithm)}`);
  requireSigningKey(algorithm, key);
  const header = {
    alg: algorithm,
    ...(type === undefined ? {} : { typ: type }),
    ...(keyId === undefined ? {} : { kid: keyId }),
  };
  const prefix = `${encode(header)}.`;
  const signatureOf = compileSignature(algorithm, key);
  return (claims) => {
    const signingInput = prefix + encode(claims);
    return `${signingInput}.${signatureOf(signingInput).toString('base64url')}`;
  };
};
