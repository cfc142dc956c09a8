import { constants, createHmac, type KeyObject, sign } from 'node:crypto';

/** A signature by the letter of RFC 7518 section 3, made without the engine. */
export function signInput(algorithm: string, key: KeyObject, input: string): Buffer {
  const [family, digest, bytes] = [algorithm.slice(0, 2), `sha${algorithm.slice(2)}`, Buffer.from(input, 'utf8')];
  if (family === 'HS') return createHmac(digest, key).update(bytes).digest();
  if (family === 'ES') return sign(digest, bytes, { key, dsaEncoding: 'ieee-p1363' });
  if (family === 'RS') return sign(digest, bytes, key);
  const saltLength = constants.RSA_PSS_SALTLEN_DIGEST;
  return sign(digest, bytes, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });
}
