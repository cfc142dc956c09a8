import { createPrivateKey, createSecretKey } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { deflateRawSync } from 'node:zlib';
import {
  compileEncryptedVerifier,
  type JweContentAlgorithmName,
  type JweKeyAlgorithmName,
  type VerifyResult,
} from '#libs/jwt-engine';
import { type SeededRandom } from '../../chaos/seeded-random.ts';
import { CONTENT_KEY_BYTES, encryptToken } from '../encrypt-token.ts';
import { FUZZ_NOW_SECONDS } from '../fuzz-now.ts';
import { type FuzzCase, type FuzzTarget, type Judgement } from '../fuzz-target.ts';
import { FUZZ_TOKENS } from '../fuzz-tokens.ts';
import { oddHeaderText, oddPayload, oneIn } from '../odd-token.ts';
import { type DecrypterRules, referenceDecryption } from '../reference-decrypter.ts';
import { type ReferenceToken } from '../reference-verifier.ts';
import { spoilToken } from '../spoil-token.ts';

type Verify = (token: string) => Promise<VerifyResult>;
type NextCase = (random: SeededRandom) => FuzzCase;

const CONTENT_ALGORITHMS = Object.keys(CONTENT_KEY_BYTES) as readonly JweContentAlgorithmName[];
const secretOf = (bytes: number): Buffer => Buffer.alloc(bytes, 5);

const RULES: readonly DecrypterRules[] = [
  { keyAlgorithm: 'A128KW', key: secretOf(16) },
  { keyAlgorithm: 'A256KW', key: secretOf(32), contentAlgorithm: 'A128GCM' },
  { keyAlgorithm: 'A128KW', key: secretOf(16), ignoreCriticalHeaders: true },
  { keyAlgorithm: 'dir', key: secretOf(32), knownCriticalHeaders: ['exp', 'x', 'b64'] },
  { keyAlgorithm: 'dir', key: secretOf(64), contentAlgorithm: 'A256CBC-HS512', type: 'jwt' },
];
const OTHER_ALGORITHMS = [
  '"A128KW"',
  '"A256KW"',
  '"dir"',
  '"RSA1_5"',
  '"none"',
  '"HS256"',
  'null',
  '["dir"]',
  '"a128kw"',
];

const verifierOf = ({ keyAlgorithm, contentAlgorithm, key, ...rules }: DecrypterRules): Verify => {
  const enc = contentAlgorithm === undefined ? {} : { contentAlgorithm: contentAlgorithm as JweContentAlgorithmName };
  const verify = compileEncryptedVerifier({
    ...rules,
    encryption: { keyAlgorithm, ...enc },
    key: createSecretKey(key),
  });
  return async (token) => verify(token, FUZZ_NOW_SECONDS);
};

const verdictOf = (result: VerifyResult): string => (result.ok ? 'accepted' : result.code);

/** Of a direct key only the content algorithms of its length can be sealed with. */
const contentAlgorithmFor = ({ keyAlgorithm, contentAlgorithm, key }: DecrypterRules, random: SeededRandom): string => {
  if (contentAlgorithm !== undefined && !oneIn(random, 10)) return contentAlgorithm;
  const fits = (name: string): boolean => keyAlgorithm !== 'dir' || CONTENT_KEY_BYTES[name] === key.length;
  return random.pick(CONTENT_ALGORITHMS.filter(fits));
};

/** A token that opens, over a header and a payload of any kind. */
function oddEncryptedToken(random: SeededRandom, rules: DecrypterRules): string {
  const contentAlgorithm = contentAlgorithmFor(rules, random);
  const zip = oneIn(random, 6) ? random.pick(['"DEF"', '"DEF"', '"def"', 'null']) : undefined;
  const members = [
    ['enc', JSON.stringify(contentAlgorithm)],
    ...(zip === undefined ? [] : [['zip', zip] as const]),
  ] as const;
  const header = { algorithm: rules.keyAlgorithm, otherAlgorithms: OTHER_ALGORITHMS, members };
  const plain = oddPayload(random);
  // Nothing behind the compressed data: Node 20 reads over it, Node 24 refuses it (`DecompressionStream`, which jose takes).
  const payload = zip === '"DEF"' ? deflateRawSync(plain) : plain;
  const management = rules.keyAlgorithm === 'dir' ? 'direct' : 'wrap';
  const how = { management, contentAlgorithm, key: rules.key } as const;
  return encryptToken(random, how, oddHeaderText(random, header), payload);
}

/**
 * jose decrypts for the engine, and refuses a `crit` that is empty or names what the header does not hold (RFC 7516 section
 * 4.1.13 forbids both) even where the policy ignores `crit`. All else that the reference accepts must be accepted.
 */
function refusalViolation(group: string, rules: DecrypterRules, { header }: ReferenceToken): string | undefined {
  const crit = Array.isArray(header['crit']) ? header['crit'] : [];
  const isSound = crit.length > 0 && crit.every((name) => typeof name === 'string' && Object.hasOwn(header, name));
  const isLeftToJose = rules.ignoreCriticalHeaders === true && Object.hasOwn(header, 'crit') && !isSound;
  return isLeftToJose && group === 'DecryptionFailed' ? undefined : `refused (${group}) what the reference accepts`;
}

async function judgeByReference(
  verify: Verify,
  rules: DecrypterRules,
  token: string,
  genuine: readonly string[],
): Promise<Judgement> {
  const result = await verify(token);
  const group = verdictOf(result);
  const reference = referenceDecryption(token, rules, FUZZ_NOW_SECONDS);
  if (verdictOf(await verify(token)) !== group) return { group, violation: 'another verdict the second time' };
  if (reference === undefined)
    return { group, violation: result.ok ? 'accepted what the reference refuses' : undefined };
  if (!result.ok) return { group, violation: refusalViolation(group, rules, reference) };
  if (!genuine.includes(token)) return { group, violation: 'accepted what nobody encrypted' };
  const { header, claims } = result.jwt;
  const isSame = isDeepStrictEqual({ header, claims }, { header: reference.header, claims: reference.claims });
  return { group, violation: isSame ? undefined : 'read another header or other claims than the reference' };
}

/** Symmetric algorithms: made and opened a second time without the engine. */
const symmetricCases = (): NextCase => {
  const contestants = RULES.map((rules) => ({ rules, verify: verifierOf(rules) }));
  return (random) => {
    const { rules, verify } = random.pick(contestants);
    const genuine = [oddEncryptedToken(random, rules), oddEncryptedToken(random, rules)] as const;
    const text = oneIn(random, 2) ? genuine[0] : spoilToken(...genuine, random);
    return { text, judge: (token) => judgeByReference(verify, rules, token, genuine) };
  };
};

/** Private keys and passwords: good tokens spoilt, of which none but the good ones may open. */
const keptCases = (): NextCase => {
  const contestants = FUZZ_TOKENS.encrypted.map(({ alg, enc, key, token }) => {
    const { password, keys } = FUZZ_TOKENS;
    const verify = compileEncryptedVerifier({
      encryption: { keyAlgorithm: alg as JweKeyAlgorithmName, contentAlgorithm: enc as JweContentAlgorithmName },
      key: key === 'password' ? createSecretKey(Buffer.from(password)) : createPrivateKey(keys[key].private),
    });
    return { token, verify: async (text: string) => verify(text, FUZZ_NOW_SECONDS) };
  });
  const tokens = contestants.map(({ token }) => token);
  return (random) => {
    const { token: genuine, verify } = random.pick(contestants);
    const judge = async (token: string): Promise<Judgement> => {
      const group = verdictOf(await verify(token));
      const isRight = (group === 'accepted') === (token === genuine);
      return {
        group,
        violation: isRight ? undefined : `${group}, a token that was ${token === genuine ? 'good' : 'spoilt'}`,
      };
    };
    return { text: oneIn(random, 8) ? genuine : spoilToken(genuine, random.pick(tokens), random), judge };
  };
};

/** One in so many is of a private key or a password, which take their time. */
const KEPT_ONE_IN = 12;

/** Encrypted tokens. */
export const ENCRYPTED_TOKENS: FuzzTarget = {
  name: 'encrypted-tokens',
  share: 6,
  groups: [
    ...['accepted', 'MalformedToken', 'InvalidJsonFormat', 'NoAlgorithmInHeader', 'AlgorithmNotAllowed'],
    ...['UnhandledCriticalHeader', 'WrongTokenType', 'DecryptionFailed', 'TokenExpired'],
  ],
  prepare: () => {
    const [symmetric, kept] = [symmetricCases(), keptCases()];
    return (random) => (oneIn(random, KEPT_ONE_IN) ? kept(random) : symmetric(random));
  },
};
