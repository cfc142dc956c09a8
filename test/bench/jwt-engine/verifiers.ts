import { constants, createHmac, timingSafeEqual, verify } from 'node:crypto';
import { createVerifier } from 'fast-jwt';
import { jwtVerify } from 'jose';
import { compileVerifier, jwsFamily, type KeySelector } from '#libs/jwt-engine';
import { type Contestant } from './rounds.ts';
import { AUDIENCE, atOf, ISSUER, NOW_SECONDS, type SignedTokens, TOKENS } from './signed-tokens.ts';

const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };

export const engine = (tokens: SignedTokens, key: SignedTokens['key'] | KeySelector<void> = tokens.key): Contestant => {
  const check = compileVerifier({ algorithms: [tokens.algorithm], key, issuer: ISSUER, audience: AUDIENCE });
  return { name: 'engine', work: (index) => check(tokens.at(index), NOW_SECONDS, undefined).ok };
};

const partsOf = (token: string) => {
  const [header = '', payload = '', signature = ''] = token.split('.');
  return {
    input: Buffer.from(`${header}.${payload}`, 'latin1'),
    signature: Buffer.from(signature, 'base64url'),
    payloadText: Buffer.from(payload, 'base64url').toString('utf8'),
  };
};

/** What no verifier can do without: `crypto.verify`, or MAC, comparison and `JSON.parse`, of parts made ready beforehand. */
export const bare = ({ algorithm, key, at }: SignedTokens): Contestant => {
  const partsAt = atOf(Array.from({ length: TOKENS }, (_, index) => partsOf(at(index))));
  if (jwsFamily(algorithm) === 'HS') {
    const work = (index: number): boolean => {
      const { input, signature, payloadText } = partsAt(index);
      const isGood = timingSafeEqual(createHmac('sha256', key).update(input).digest(), signature);
      return isGood && typeof JSON.parse(payloadText) === 'object';
    };
    return { name: 'bare', work };
  }
  const options = jwsFamily(algorithm) === 'PS' ? { key, ...PSS } : { key, dsaEncoding: 'ieee-p1363' as const };
  const work = (index: number): boolean => {
    const { input, signature } = partsAt(index);
    return verify('sha256', input, options, signature);
  };
  return { name: 'bare', work };
};

export const jose = ({ algorithm, key, at }: SignedTokens): Contestant => {
  const currentDate = new Date(NOW_SECONDS * 1000);
  const options = { algorithms: [algorithm], issuer: ISSUER, audience: AUDIENCE, currentDate };
  const oneAtATime = async (index: number): Promise<boolean> =>
    (await jwtVerify(at(index), key, options)).payload.iss === ISSUER;
  return { name: 'jose', work: { oneAtATime } };
};

export const fastJwt = ({ algorithm, key, at }: SignedTokens): Contestant => {
  const check = createVerifier({
    key: key.type === 'secret' ? key.export() : key.export({ type: 'spki', format: 'pem' }),
    algorithms: [algorithm],
    allowedIss: ISSUER,
    allowedAud: AUDIENCE,
    clockTimestamp: NOW_SECONDS * 1000,
    cache: false,
  });
  return { name: 'fast-jwt', work: (index) => (check(at(index)) as { iss?: unknown }).iss === ISSUER };
};
