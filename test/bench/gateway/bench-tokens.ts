import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

export const ISSUER = 'https://issuer.bench.example';
export const AUDIENCE = 'urn:bench:orders';
/** As many clients as the rows of tokens that repeat have. */
export const CLIENTS = 2_000;
/**
 * Asked for in turn, each of these is new to a cache that holds fewer of them: several times what the gateway keeps by
 * default, so that no order in which a cache gives up what it holds finds one again.
 */
export const DISTINCT_TOKENS = 60_000;

const ALGORITHMS = {
  RS256: { pair: () => generateKeyPairSync('rsa', { modulusLength: 2_048 }), dsaEncoding: 'der' },
  ES256: { pair: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }), dsaEncoding: 'ieee-p1363' },
} as const;
export type BenchAlgorithm = keyof typeof ALGORITHMS;

const YEAR_SECONDS = 365 * 86_400;
const AT_ONCE = 64;
const signed = promisify(sign);

/** The tokens of one algorithm, and the key that they are checked with. */
export interface BenchTokens {
  readonly algorithm: BenchAlgorithm;
  readonly publicPem: string;
  readonly publicPemFile: string;
  /** A token in each line. */
  readonly file: string;
  /** What each check is there for: everybody who takes part has to refuse each of these. */
  readonly refused: Readonly<Record<string, string>>;
}

/** As a file of one algorithm has it; the private key is not kept. */
interface KeptTokens {
  readonly publicPem: string;
  readonly refused: Readonly<Record<string, string>>;
}

/** Tokens from an earlier run, else new ones, which takes half a minute for RS256. They last ten years. */
export async function benchTokens(algorithm: BenchAlgorithm, directory: string, count: number): Promise<BenchTokens> {
  const place = path.join(directory, `${algorithm}-${count}`);
  if (!existsSync(place)) await makeTokens(algorithm, place, count);
  const kept = JSON.parse(readFileSync(path.join(place, 'key.json'), 'utf8')) as KeptTokens;
  return {
    ...{ algorithm, ...kept, file: path.join(place, 'tokens.txt') },
    publicPemFile: path.join(place, 'public.pem'),
  };
}

async function makeTokens(algorithm: BenchAlgorithm, place: string, count: number): Promise<void> {
  console.log(`signing ${count} ${algorithm} tokens, once`);
  const { privateKey, publicKey } = ALGORITHMS[algorithm].pair();
  const tokens: string[] = [];
  while (tokens.length < count) {
    const numbers = Array.from(
      { length: Math.min(AT_ONCE, count - tokens.length) },
      (_, index) => tokens.length + index,
    );
    tokens.push(...(await Promise.all(numbers.map((number) => tokenOf(algorithm, privateKey, claimsOf(number))))));
  }
  const publicPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const refused = await refusedTokens(algorithm, privateKey, tokens);
  const unfinished = `${place}.${process.pid}`;
  mkdirSync(unfinished, { recursive: true });
  writeFileSync(path.join(unfinished, 'tokens.txt'), `${tokens.join('\n')}\n`);
  writeFileSync(path.join(unfinished, 'public.pem'), publicPem);
  writeFileSync(path.join(unfinished, 'key.json'), JSON.stringify({ publicPem, refused } satisfies KeptTokens));
  rmSync(place, { recursive: true, force: true });
  renameSync(unfinished, place);
}

function claimsOf(number: number): Record<string, unknown> {
  const iat = Math.floor(Date.now() / 1_000) - 60;
  const times = { iat, nbf: iat, exp: iat + 10 * YEAR_SECONDS };
  return {
    iss: ISSUER,
    sub: `client-${number}`,
    aud: AUDIENCE,
    ...times,
    jti: `bench-${number}`,
    scope: 'orders:read',
  };
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

async function tokenOf(algorithm: BenchAlgorithm, key: KeyObject, claims: object): Promise<string> {
  const text = `${part({ alg: algorithm, typ: 'JWT', kid: 'bench' })}.${part(claims)}`;
  const { dsaEncoding } = ALGORITHMS[algorithm];
  return `${text}.${(await signed('sha256', Buffer.from(text), { key, dsaEncoding })).toString('base64url')}`;
}

async function refusedTokens(
  algorithm: BenchAlgorithm,
  key: KeyObject,
  tokens: readonly string[],
): Promise<Record<string, string>> {
  const claims = claimsOf(0);
  const nowSeconds = Math.floor(Date.now() / 1_000);
  const parts = (token = ''): string[] => token.split('.');
  const [header, body] = parts(tokens[0]);
  return {
    'signature of another token': `${header}.${body}.${parts(tokens[1])[2]}`,
    'another issuer': await tokenOf(algorithm, key, { ...claims, iss: 'https://other.example' }),
    'another audience': await tokenOf(algorithm, key, { ...claims, aud: 'urn:bench:other' }),
    expired: await tokenOf(algorithm, key, { ...claims, exp: nowSeconds - 3_600 }),
    'not yet valid': await tokenOf(algorithm, key, { ...claims, nbf: nowSeconds + 9 * YEAR_SECONDS }),
  };
}
