import { createHmac, createSecretKey } from 'node:crypto';
import { type SeededRandom } from '../../chaos/seeded-random.ts';
import { type FuzzTarget } from '../fuzz-target.ts';
import { SignedTokenJudge } from '../judge-signed-token.ts';
import { oddSignedToken, oneIn, OTHER_SIGNATURE_ALGORITHMS } from '../odd-token.ts';
import { type ReferenceRules } from '../reference-verifier.ts';
import { spoilToken } from '../spoil-token.ts';

const SECRET = createSecretKey(Buffer.alloc(64, 7));
const RULES: readonly ReferenceRules[] = [
  { algorithms: ['HS256'], key: SECRET },
  {
    algorithms: ['HS256', 'HS384', 'HS512'],
    key: SECRET,
    knownCriticalHeaders: ['exp', 'x', 'b64'],
    timeAllowanceSeconds: 10,
  },
  { algorithms: ['HS256', 'HS384'], key: SECRET, ignoreCriticalHeaders: true, type: 'jwt' },
];
const HEADER = { algorithm: 'HS256', otherAlgorithms: OTHER_SIGNATURE_ALGORITHMS };

/** Signed with the secret, whatever the header says. */
const signedToken = (random: SeededRandom): string =>
  oddSignedToken(random, HEADER, (headerText, input) => {
    const digest = /"HS(384|512)"/.exec(headerText)?.[1] ?? '256';
    return createHmac(`sha${digest}`, SECRET).update(input, 'utf8').digest();
  });

/** Tokens under a secret: headers, payloads and spellings of any kind with a good signature, and good tokens spoilt. */
export const SECRET_TOKENS: FuzzTarget = {
  name: 'secret-tokens',
  share: 30,
  groups: [
    ...['accepted', 'MalformedToken', 'InvalidJsonFormat', 'NoAlgorithmInHeader', 'AlgorithmNotAllowed'],
    ...['UnhandledCriticalHeader', 'WrongTokenType', 'InvalidSignature'],
    ...['TokenExpired', 'TokenNotYetValid', 'ClaimMismatch'],
  ],
  prepare: () => {
    const judges = RULES.map((rules) => new SignedTokenJudge(rules));
    return (random) => {
      const judge = random.pick(judges);
      const genuine = [signedToken(random), signedToken(random)] as const;
      const text = oneIn(random, 2) ? genuine[0] : spoilToken(...genuine, random);
      return { text, judge: (token) => judge.judge(token, genuine) };
    };
  },
};
