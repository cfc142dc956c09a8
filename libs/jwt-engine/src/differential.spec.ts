import fc from 'fast-check';
import { jwtVerify, SignJWT } from 'jose';
import { SeededRandom } from '../../../test/chaos/seeded-random.ts';
import { reasonsToRefuse, seenToken, STRICTER_RULES } from '../../../test/differential/stricter-rules.ts';
import { FUZZ_NOW_SECONDS as NOW } from '../../../test/fuzz/fuzz-now.ts';
import { oddSignedToken, OTHER_SIGNATURE_ALGORITHMS } from '../../../test/fuzz/odd-token.ts';
import { signInput } from '../../../test/fuzz/sign-input.ts';
import { spoilToken } from '../../../test/fuzz/spoil-token.ts';
import { compileSigner } from './compile-signer.ts';
import { compileVerifier } from './compile-verifier.ts';
import { JWS_ALGORITHM_NAMES } from './jws-algorithms.ts';
import { type JsonObject } from './json-value.ts';
import { generateSigningKey, signingKeyFromJwk } from './signing-keys.ts';

const AT_NOW = { currentDate: new Date(NOW * 1000) };
const SEED = 20_260_101;
/** Odd tokens of one algorithm; three of four of them are spoilt once more. */
const ODD_TOKENS = 200;

/** Any JSON claims but the ones that have a meaning, which are judged elsewhere. */
const anyClaims = fc
  .dictionary(fc.string({ maxLength: 8 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 5 })
  .filter((claims) => !['exp', 'nbf', 'iat', 'aud', 'iss', 'sub'].some((name) => name in claims))
  .map((claims) => JSON.parse(JSON.stringify(claims)) as JsonObject);

const TOKEN_SIZE = 'a token has at most 16 KiB';
/** By name, how often a listed rule was why we refused what jose accepts; all algorithms together. */
const timesApplied = new Map<string, number>();

describe.each(JWS_ALGORITHM_NAMES)('%s beside jose', (algorithm) => {
  const { signing, verification, keyId } = signingKeyFromJwk(generateSigningKey(algorithm).jwk);
  const verify = compileVerifier({ algorithms: [algorithm], key: verification });
  const sign = compileSigner({ algorithm, key: signing, keyId, type: 'JWT' });
  const isAcceptedByJose = async (token: string): Promise<boolean> =>
    jwtVerify(token, verification, { algorithms: [algorithm], ...AT_NOW }).then(
      () => true,
      () => false,
    );

  it('signs what jose accepts and accepts it itself, with the same claims', async () => {
    await fc.assert(
      fc.asyncProperty(anyClaims, async (claims) => {
        const token = sign(claims);
        const theirs = await jwtVerify(token, verification, { algorithms: [algorithm], ...AT_NOW });
        const ours = verify(token, NOW);
        expect(ours.ok && ours.jwt.claims).toEqual(theirs.payload);
        expect(ours.ok && ours.jwt.header).toEqual(theirs.protectedHeader);
      }),
      { numRuns: 20 },
    );
  });

  it('accepts what jose signs', async () => {
    await fc.assert(
      fc.asyncProperty(anyClaims, async (claims) => {
        const token = await new SignJWT({ ...claims }).setProtectedHeader({ alg: algorithm }).sign(signing);
        const ours = verify(token, NOW);
        expect(ours.ok && ours.jwt.claims).toEqual(claims);
      }),
      { numRuns: 20 },
    );
  });

  it('gives jose’s verdict on odd and spoilt tokens, or a listed reason', async () => {
    const header = { algorithm, otherAlgorithms: OTHER_SIGNATURE_ALGORITHMS };
    const oddToken = (random: SeededRandom): string =>
      oddSignedToken(random, header, (_text, input) => signInput(algorithm, signing, input));
    const verdicts = { both: 0, neither: 0 };
    for (let number = 0; number < ODD_TOKENS; number += 1) {
      const random = new SeededRandom(SEED, `${algorithm}#${number}`);
      const good = oddToken(random);
      for (const token of [good, spoilToken(good, sign({}), random), spoilToken(good, good, random)]) {
        const [ours, theirs] = [verify(token, NOW).ok, await isAcceptedByJose(token)];
        if (ours === theirs) verdicts[ours ? 'both' : 'neither'] += 1;
        else {
          const reasons = reasonsToRefuse(seenToken(token));
          expect({ token, number, ours, isListed: reasons.length > 0 }).toEqual({
            token,
            number,
            ours: false,
            isListed: true,
          });
          for (const reason of reasons) timesApplied.set(reason, (timesApplied.get(reason) ?? 0) + 1);
        }
      }
    }
    expect(verdicts.both).toBeGreaterThan(ODD_TOKENS / 10);
    expect(verdicts.neither).toBeGreaterThan(ODD_TOKENS);
  });

  it('answers a signature of any bytes and length with a value', () => {
    const [header, payload] = sign({ sub: 'alice' }).split('.');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const token = [header, payload, Buffer.from(bytes).toString('base64url')].join('.');
        expect(verify(token, NOW)).toEqual({ ok: false, code: 'InvalidSignature' });
      }),
      { numRuns: 50 },
    );
  });
});

describe('the list of rules that are stricter than jose’s', () => {
  it('names none for a plain token', () => {
    const { signing } = signingKeyFromJwk(generateSigningKey('HS256').jwk);
    const plain = compileSigner({ algorithm: 'HS256', key: signing })({ iat: NOW, exp: NOW + 1, a: [{ a: 1 }] });
    expect(reasonsToRefuse(seenToken(plain))).toEqual([]);
  });

  it('has the size of a token, which jose does not limit', async () => {
    const { signing, verification } = signingKeyFromJwk(generateSigningKey('HS256').jwk);
    const long = compileSigner({ algorithm: 'HS256', key: signing })({ a: 'x'.repeat(12_300) });
    const verify = compileVerifier({ algorithms: ['HS256'], key: verification });
    await expect(jwtVerify(long, verification, AT_NOW)).resolves.toMatchObject({ protectedHeader: { alg: 'HS256' } });
    expect(verify(long, NOW)).toEqual({ ok: false, code: 'MalformedToken' });
    expect(reasonsToRefuse(seenToken(long))).toEqual([TOKEN_SIZE]);
  });

  it('holds no other rule that was never a reason', () => {
    const unused = STRICTER_RULES.map(({ rule }) => rule).filter((rule) => !timesApplied.has(rule));
    expect(unused).toEqual([TOKEN_SIZE]);
  });
});
