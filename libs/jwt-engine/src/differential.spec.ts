import fc from 'fast-check';
import { jwtVerify, SignJWT } from 'jose';
import { compileSigner } from './compile-signer.ts';
import { compileVerifier } from './compile-verifier.ts';
import { JWS_ALGORITHM_NAMES } from './jws-algorithms.ts';
import { type JsonObject, type JsonValue } from './json-value.ts';
import { generateSigningKey, signingKeyFromJwk } from './signing-keys.ts';

const NOW = 1_700_000_000;
const AT_NOW = { currentDate: new Date(NOW * 1000) };
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Any JSON claims but the ones that have a meaning, which are judged elsewhere. */
const anyClaims = fc
  .dictionary(fc.string({ maxLength: 8 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 5 })
  .filter((claims) => !['exp', 'nbf', 'iat', 'aud', 'iss', 'sub'].some((name) => name in claims))
  .map((claims) => JSON.parse(JSON.stringify(claims)) as JsonObject);

const anyCharacter = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...BASE64URL) },
  { weight: 1, arbitrary: fc.constantFrom(...'.=+/ \n\u0000\u0141\ud83d') },
);

/** One character replaced, put in, or taken out. */
const anyMutation = fc.record({
  at: fc.nat(),
  character: anyCharacter,
  kind: fc.constantFrom('replace', 'insert', 'drop'),
});

type Mutation = typeof anyMutation extends fc.Arbitrary<infer Value> ? Value : never;

const mutate = (token: string, { at, character, kind }: Mutation): string => {
  const position = at % token.length;
  const rest = token.slice(kind === 'insert' ? position : position + 1);
  return token.slice(0, position) + (kind === 'drop' ? '' : character) + rest;
};

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
      { numRuns: 25 },
    );
  });

  it('accepts what jose signs', async () => {
    await fc.assert(
      fc.asyncProperty(anyClaims, async (claims) => {
        const token = await new SignJWT({ ...claims }).setProtectedHeader({ alg: algorithm }).sign(signing);
        const ours = verify(token, NOW);
        expect(ours.ok && ours.jwt.claims).toEqual(claims);
      }),
      { numRuns: 25 },
    );
  });

  it('refuses a good token once any one of its characters is replaced, put in or taken out', () => {
    const token = sign({ sub: 'alice', scope: ['a', 'b'], exp: NOW + 60 });
    expect(verify(token, NOW).ok).toBe(true);
    fc.assert(
      fc.property(anyMutation, (mutation) => {
        const mutated = mutate(token, mutation);
        fc.pre(mutated !== token);
        expect(verify(mutated, NOW).ok).toBe(false);
      }),
      { numRuns: 400 },
    );
  });

  it('accepts no mutated token that jose refuses', async () => {
    const token = sign({ sub: 'alice', exp: NOW + 60 });
    await fc.assert(
      fc.asyncProperty(anyMutation, async (mutation) => {
        const mutated = mutate(token, mutation);
        if (verify(mutated, NOW).ok) expect(await isAcceptedByJose(mutated)).toBe(true);
        else expect(mutated).not.toBe(token);
      }),
      { numRuns: 50 },
    );
  });

  it('agrees with jose on exp and nbf, and on what is no time at all', async () => {
    const anyTime = fc.oneof(
      fc.integer({ min: NOW - 3, max: NOW + 3 }),
      fc.constantFrom<JsonValue>('1', null, true, -1, 1e10, NOW + 0.5),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('exp', 'nbf'), anyTime, async (name, time) => {
        const token = sign({ [name]: time });
        expect(verify(token, NOW).ok).toBe(await isAcceptedByJose(token));
      }),
      { numRuns: 25 },
    );
  });

  it('answers every text with a value, never with an exception', () => {
    const segment = fc.oneof(
      fc.string({ unit: fc.constantFrom(...BASE64URL), maxLength: 400 }),
      fc.constantFrom(...sign({ sub: 'alice' }).split('.')),
    );
    const anyText = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(segment, { maxLength: 4 }).map((all) => all.join('.')),
    );
    fc.assert(
      fc.property(anyText, (text) => {
        expect(typeof verify(text, NOW).ok).toBe('boolean');
      }),
    );
  });

  it('answers a signature of any bytes and length with a value', () => {
    const [header, payload] = sign({ sub: 'alice' }).split('.');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const token = [header, payload, Buffer.from(bytes).toString('base64url')].join('.');
        expect(verify(token, NOW)).toEqual({ ok: false, code: 'InvalidSignature' });
      }),
    );
  });
});
