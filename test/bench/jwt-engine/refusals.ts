import { compileVerifier, type JwtRefusalCode } from '#libs/jwt-engine';
import { type Contestant } from './rounds.ts';
import { AUDIENCE, atOf, flat, ISSUER, NOW_SECONDS, type SignedTokens, TOKENS } from './signed-tokens.ts';
import { keySetOf } from './key-sets.ts';

interface Refusal {
  readonly name: string;
  readonly code: JwtRefusalCode;
  /** Spoils a good token. */
  readonly spoil: (token: string) => string;
}

const withHeaderText = (token: string, header: string): string =>
  Buffer.from(header).toString('base64url') + token.slice(token.indexOf('.'));

const withHeader = (token: string, header: object): string => withHeaderText(token, JSON.stringify(header));

const spoilt = (token: string, at: number): string => `${token.slice(0, at)}=${token.slice(at + 1)}`;

const REFUSALS: readonly Refusal[] = [
  { name: 'no token at all', code: 'MalformedToken', spoil: (token) => token.slice(0, token.indexOf('.')) },
  { name: 'not base64url', code: 'MalformedToken', spoil: (token) => spoilt(token, token.length - 9) },
  { name: 'header no object', code: 'InvalidJsonFormat', spoil: (token) => withHeaderText(token, 'not json') },
  { name: 'header cut short', code: 'InvalidJsonFormat', spoil: (token) => withHeaderText(token, '{"alg":"RS256"') },
  { name: 'header no JSON', code: 'InvalidJsonFormat', spoil: (token) => withHeaderText(token, '{"alg":RS256}') },
  { name: 'wrong alg', code: 'AlgorithmNotAllowed', spoil: (token) => withHeader(token, { alg: 'HS256', typ: 'JWT' }) },
  { name: 'crit', code: 'UnhandledCriticalHeader', spoil: (token) => withHeader(token, { alg: 'RS256', crit: ['x'] }) },
  {
    name: 'unknown kid',
    code: 'NoMatchingPublicKey',
    spoil: (token) => withHeader(token, { alg: 'RS256', kid: 'no' }),
  },
];

/** Tokens that are refused before any signature is looked at, each kind by a verifier that also sees good ones. */
export const refusals = (tokens: SignedTokens): readonly Contestant[] =>
  REFUSALS.map(({ name, code, spoil }) => {
    const key = keySetOf([tokens]);
    const check = compileVerifier({ algorithms: [tokens.algorithm], key, issuer: ISSUER, audience: AUDIENCE });
    if (!check(tokens.at(0), NOW_SECONDS, undefined).ok) throw new Error('broken assumption: a good token is refused');
    const at = atOf(Array.from({ length: TOKENS }, (_, index) => flat(spoil(tokens.at(index)))));
    const work = (index: number): boolean => {
      const result = check(at(index), NOW_SECONDS, undefined);
      return !result.ok && result.code === code;
    };
    return { name, work };
  });
