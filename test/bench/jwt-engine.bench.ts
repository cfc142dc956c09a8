/**
 * What the engine adds to a signature: our verify beside bare node:crypto on the same bytes and beside jose.jwtVerify.
 *
 * One process, interleaved rounds, medians; read the ratios, not the microseconds of a shared machine.
 */
import { constants, createHmac, type KeyObject, timingSafeEqual, verify as cryptoVerify } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { jwtVerify } from 'jose';
import {
  compileSigner,
  compileVerifier,
  generateSigningKey,
  type JwsAlgorithmName,
  jwsFamily,
  signingKeyFromJwk,
} from '#libs/jwt-engine';

const ROUNDS = 41;
const TOKENS_PER_ROUND = 200;
const NOW_SECONDS = 1_700_000_000;
const ISSUER = 'https://issuer.example';
const AUDIENCE = 'urn:gatewarden:demo/orders';

type Check = (token: string, index: number) => boolean | Promise<boolean>;

type BareCheck = (input: Buffer, signature: Buffer) => boolean;

const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };

const bareCheck = (algorithm: JwsAlgorithmName, key: KeyObject): BareCheck => {
  if (jwsFamily(algorithm) === 'HS') {
    return (input, signature) => timingSafeEqual(createHmac('sha256', key).update(input).digest(), signature);
  }
  const options = jwsFamily(algorithm) === 'PS' ? { key, ...PSS } : { key, dsaEncoding: 'ieee-p1363' as const };
  return (input, signature) => cryptoVerify('sha256', input, options, signature);
};

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;

const timeRound = async (tokens: readonly string[], check: Check): Promise<number> => {
  const start = performance.now();
  for (const [index, token] of tokens.entries()) {
    const outcome = check(token, index);
    if (!(typeof outcome === 'boolean' ? outcome : await outcome)) throw new Error('a good token was refused');
  }
  return ((performance.now() - start) * 1000) / tokens.length;
};

const contestantsFor = (
  algorithm: JwsAlgorithmName,
  key: KeyObject,
  tokens: readonly string[],
): Record<string, Check> => {
  const verify = compileVerifier({ algorithms: [algorithm], key, issuer: ISSUER, audience: AUDIENCE });
  const bare = bareCheck(algorithm, key);
  const split = tokens.map((token) => {
    const dot = token.lastIndexOf('.');
    return { input: Buffer.from(token.slice(0, dot)), signature: Buffer.from(token.slice(dot + 1), 'base64url') };
  });
  const joseOptions = {
    algorithms: [algorithm],
    issuer: ISSUER,
    audience: AUDIENCE,
    currentDate: new Date(NOW_SECONDS * 1000),
  };
  return {
    engine: (token) => verify(token, NOW_SECONDS).ok,
    bare: (_token, index) => {
      const parts = split[index];
      return parts !== undefined && bare(parts.input, parts.signature);
    },
    jose: async (token) => (await jwtVerify(token, key, joseOptions)).payload.iss === ISSUER,
  };
};

console.log('algorithm   bare µs  engine µs  jose µs   engine/bare  jose/engine');
for (const algorithm of ['RS256', 'PS256', 'ES256', 'HS256'] as const) {
  const { signing, verification, keyId } = signingKeyFromJwk(generateSigningKey(algorithm).jwk);
  const sign = compileSigner({ algorithm, key: signing, keyId, type: 'at+jwt' });
  const times = { iat: NOW_SECONDS - 10, nbf: NOW_SECONDS - 10, exp: NOW_SECONDS + 300 };
  const tokens = Array.from({ length: TOKENS_PER_ROUND }, (_, index) =>
    sign({ iss: ISSUER, aud: AUDIENCE, sub: `user-${index}`, jti: `token-${index}`, scope: 'read write', ...times }),
  );
  const contestants = Object.entries(contestantsFor(algorithm, verification, tokens));
  const micros = new Map(contestants.map(([name]) => [name, [] as number[]]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, check] of contestants) micros.get(name)?.push(await timeRound(tokens, check));
  }
  const [engine = NaN, bare = NaN, jose = NaN] = contestants.map(([name]) => median(micros.get(name) ?? []));
  const columns = [bare, engine, jose].map((value) => value.toFixed(1).padStart(9)).join(' ');
  console.log(
    `${algorithm.padEnd(9)}${columns}   ${(engine / bare).toFixed(2).padStart(10)}  ${(jose / engine).toFixed(2).padStart(10)}`,
  );
}
