import { constants, createHmac, createVerify, type KeyObject, timingSafeEqual, type Verify } from 'node:crypto';
import { checkKeyFor } from './check-key.ts';
import { type JwsAlgorithmName, jwsRules } from './jws-algorithms.ts';
import { type JwtRefusal } from './jwt-refusal.ts';

/**
 * Tells whether the signature belongs to the signing input, which must be ASCII (RFC 7515 section 5.2). The signature
 * must be base64url in its canonical spelling: then its length tells how many bytes it has.
 */
export type SignatureCheck = (signingInput: string, signature: string) => boolean;

/** Salt as long as the digest (RFC 7518 section 3.5); shared with the signer. */
export const PSS_OPTIONS = {
  padding: constants.RSA_PKCS1_PSS_PADDING,
  saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
} as const;

const rsaSignatureBytes = (key: KeyObject): number => Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8);

const base64UrlLength = (byteCount: number): number => Math.ceil((byteCount * 8) / 6);

/** The MAC comes out as a string, which is cheaper than a Buffer of its own, and is compared as bytes. */
const macCheck = (digest: string, key: KeyObject, macBytes: number): SignatureCheck => {
  const signatureLength = base64UrlLength(macBytes);
  const expected = Buffer.alloc(macBytes);
  const given = Buffer.alloc(macBytes);
  return (signingInput, signature) => {
    if (signature.length !== signatureLength) return false;
    given.write(signature, 'base64url');
    expected.write(createHmac(digest, key).update(signingInput, 'latin1').digest('binary'), 'latin1');
    return timingSafeEqual(expected, given);
  };
};

/**
 * The exact length comes first: it is cheap, and no encoding but the one of the RFC reaches OpenSSL.
 * `createVerify` takes the signing input as it is, where `crypto.verify` wants a copy of it in a Buffer.
 */
const publicKeyCheck = (
  digest: string,
  key: Parameters<Verify['verify']>[0],
  signatureBytes: number,
): SignatureCheck => {
  const signatureLength = base64UrlLength(signatureBytes);
  const given = Buffer.alloc(signatureBytes);
  return (signingInput, signature) => {
    if (signature.length !== signatureLength) return false;
    given.write(signature, 'base64url');
    return createVerify(digest).update(signingInput, 'latin1').verify(key, given);
  };
};

/** Resolves algorithm and key into one closure, or says why the key does not fit. */
export const prepareSignatureCheck = (algorithm: JwsAlgorithmName, key: KeyObject): SignatureCheck | JwtRefusal => {
  const fault = checkKeyFor(algorithm, key);
  if (fault !== undefined) return fault;
  const rules = jwsRules(algorithm);
  switch (rules.family) {
    case 'HS':
      return macCheck(rules.digest, key, rules.digestBytes);
    case 'RS':
      return publicKeyCheck(rules.digest, { key, padding: constants.RSA_PKCS1_PADDING }, rsaSignatureBytes(key));
    case 'PS':
      return publicKeyCheck(rules.digest, { key, ...PSS_OPTIONS }, rsaSignatureBytes(key));
    case 'ES':
      return publicKeyCheck(rules.digest, { key, dsaEncoding: 'ieee-p1363' }, rules.signatureBytes);
  }
};
