import { constants, createHmac, type KeyObject, timingSafeEqual, verify } from 'node:crypto';
import { checkKeyFor } from './check-key.ts';
import { type JwsAlgorithmName, jwsRules } from './jws-algorithms.ts';
import { type JwtRefusal } from './jwt-refusal.ts';

/** Tells whether the signature belongs to the signing input, which must be ASCII (RFC 7515 section 5.2). */
export type SignatureCheck = (signingInput: string, signature: Buffer) => boolean;

/** Salt as long as the digest (RFC 7518 section 3.5); shared with the signer. */
export const PSS_OPTIONS = {
  padding: constants.RSA_PKCS1_PSS_PADDING,
  saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
} as const;

const rsaSignatureBytes = (key: KeyObject): number => Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8);

const macCheck =
  (digest: string, key: KeyObject): SignatureCheck =>
  (signingInput, signature) => {
    const expected = createHmac(digest, key).update(signingInput, 'latin1').digest();
    return signature.length === expected.length && timingSafeEqual(expected, signature);
  };

/** The exact length comes first: it is cheap, and no encoding but the one of the RFC reaches OpenSSL. */
const publicKeyCheck =
  (digest: string, keyOptions: Parameters<typeof verify>[2], signatureBytes: number): SignatureCheck =>
  (signingInput, signature) =>
    signature.length === signatureBytes && verify(digest, Buffer.from(signingInput, 'latin1'), keyOptions, signature);

/** Resolves algorithm and key into one closure, or says why the key does not fit. */
export const prepareSignatureCheck = (algorithm: JwsAlgorithmName, key: KeyObject): SignatureCheck | JwtRefusal => {
  const fault = checkKeyFor(algorithm, key);
  if (fault !== undefined) return fault;
  const rules = jwsRules(algorithm);
  switch (rules.family) {
    case 'HS':
      return macCheck(rules.digest, key);
    case 'RS':
      return publicKeyCheck(rules.digest, { key, padding: constants.RSA_PKCS1_PADDING }, rsaSignatureBytes(key));
    case 'PS':
      return publicKeyCheck(rules.digest, { key, ...PSS_OPTIONS }, rsaSignatureBytes(key));
    case 'ES':
      return publicKeyCheck(rules.digest, { key, dsaEncoding: 'ieee-p1363' }, rules.signatureBytes);
  }
};
