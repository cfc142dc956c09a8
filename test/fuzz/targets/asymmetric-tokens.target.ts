import { createHmac, createPublicKey } from 'node:crypto';
import { type JwsAlgorithmName } from '#libs/jwt-engine';
import { type SeededRandom } from '../../chaos/seeded-random.ts';
import { type FuzzTarget } from '../fuzz-target.ts';
import { FUZZ_SIGNED_ALGORITHMS, FUZZ_TOKENS } from '../fuzz-tokens.ts';
import { SignedTokenJudge } from '../judge-signed-token.ts';
import { spoilToken } from '../spoil-token.ts';

interface Contestant {
  readonly algorithm: JwsAlgorithmName;
  readonly judge: SignedTokenJudge;
  readonly genuine: readonly string[];
  readonly publicPem: string;
}

type Forge = (token: string, from: Contestant, random: SeededRandom) => string;

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const withHeader = (token: string, header: object): string => [encode(header), ...token.split('.').slice(1)].join('.');

/** What attackers try who have no key (RFC 8725 section 2): no algorithm, the public key as a secret, another one's key. */
const FORGES: readonly Forge[] = [
  (token) => withHeader(token, { alg: 'none' }).replace(/[^.]*$/, ''),
  (token, { publicPem }, random) => {
    const secret = random.pick([
      publicPem,
      publicPem.trim(),
      createPublicKey(publicPem).export({ type: 'spki', format: 'der' }),
    ]);
    const input = withHeader(token, { alg: 'HS256' }).replace(/\.[^.]*$/, '');
    return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
  },
  (token, _from, random) => withHeader(token, { alg: random.pick(FUZZ_SIGNED_ALGORITHMS) }),
  (token, { algorithm }) => withHeader(token, { alg: algorithm, jwk: { kty: 'oct', k: 'AAAA' } }),
  (token, _from, random) => {
    const signature = Buffer.from(token.split('.')[2] ?? '', 'base64url');
    const bytes = random.pick([
      Buffer.alloc(signature.length),
      Buffer.concat([Buffer.alloc(1), signature]),
      signature.subarray(1),
    ]);
    return token.replace(/[^.]*$/, bytes.toString('base64url'));
  },
  (token, _from, random) => {
    const signature = Buffer.from(token.split('.')[2] ?? '', 'base64url');
    const at = random.between(0, signature.length - 1);
    signature[at] = (signature[at] ?? 0) ^ (1 << random.between(0, 7));
    return token.replace(/[^.]*$/, signature.toString('base64url'));
  },
];

const contestantOf = (algorithm: JwsAlgorithmName): Contestant => {
  const { key, tokens } = FUZZ_TOKENS.signed[algorithm] ?? { key: 'RSA', tokens: [] };
  const publicPem = FUZZ_TOKENS.keys[key].public;
  const rules = { algorithms: [algorithm], key: createPublicKey(publicPem) };
  return { algorithm, judge: new SignedTokenJudge(rules), genuine: tokens, publicPem };
};

/** Tokens under RSA and elliptic curve keys, spoilt and forged. */
export const ASYMMETRIC_TOKENS: FuzzTarget = {
  name: 'asymmetric-tokens',
  share: 4,
  groups: ['accepted', 'MalformedToken', 'InvalidJsonFormat', 'AlgorithmNotAllowed', 'InvalidSignature'],
  prepare: () => {
    const contestants = FUZZ_SIGNED_ALGORITHMS.map(contestantOf);
    return (random) => {
      const contestant = random.pick(contestants);
      const { genuine, judge } = contestant;
      const token = random.pick(genuine);
      const kind = random.between(0, 9);
      const spoilt = (): string =>
        kind < 6 ? spoilToken(token, random.pick(genuine), random) : random.pick(FORGES)(token, contestant, random);
      return { text: kind === 9 ? token : spoilt(), judge: (text) => judge.judge(text, genuine) };
    };
  },
};
