import { jwksSelectorFrom, refusal } from '#libs/jwt-engine';
import type { KeySet, KeySets, LinkOptions } from '../linking/link-context.ts';
import { linked, placed } from '../testing/artifacts.ts';
import { asked, judge, outcomeOf, RS256_POLICY, SIGNER, tokenWith, type Given } from '../testing/judge-token.ts';
import { makeToken, rsaPair } from '../testing/token-maker.ts';

const ADDRESS = 'https://idp.example.org/keys';
const rotated = rsaPair();
const setOf = (pair: typeof SIGNER, kid: string): KeySet =>
  jwksSelectorFrom(JSON.stringify({ keys: [{ ...pair.jwk, kid }] }));
const FIRST = setOf(SIGNER, 'k1');
const SECOND = setOf(rotated, 'k2');
const UNUSABLE: KeySet = refusal('InvalidKeyConfiguration');

const signedBy = (pair: typeof SIGNER, header: object) =>
  makeToken({ header: { alg: 'RS256', ...header }, payload: {}, algorithm: 'RS256', key: pair.privateKey });
const K1 = tokenWith({}, { kid: 'k1' });
const K2 = signedBy(rotated, { kid: 'k2' });

/** Key sets that write down what they were asked. */
function recorded(answers: {
  readonly current?: KeySet | Promise<KeySet>;
  readonly newer?: Promise<KeySet>;
}): KeySets & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    current: (address) => {
      asked.push(`current ${address}`);
      return answers.current ?? UNUSABLE;
    },
    newerFor: (address, keyId) => {
      asked.push(`newer ${address} ${keyId}`);
      return answers.newer;
    },
  };
}

const BY_URI = { publicKey: { jwks: { uri: ADDRESS } } };
const BY_VARIABLE = { publicKey: { jwks: { uriRef: 'flow.keys' } } };
const given = (token: string, keySets: KeySets, rest: Given = {}): Given => ({
  policy: BY_URI,
  token,
  ...rest,
  options: { keySets, ...rest.options },
});

describe('a key set that is fetched', () => {
  it('is named by the linked proxy, if its address is known then', () => {
    const named = ({ policy, environment: variables = {} }: Given): readonly string[] => {
      const keySets = recorded({});
      const verifyJwt = placed('P', { ...RS256_POLICY, ...BY_URI, ...policy });
      const { keySetAddresses } = linked({ request: [verifyJwt], error: [verifyJwt], variables }, { keySets });
      expect(keySets.asked).toEqual([]);
      return keySetAddresses;
    };
    expect(named({})).toEqual([ADDRESS]);
    expect(named({ policy: BY_VARIABLE, environment: { 'flow.keys': ` ${ADDRESS}#x ` } })).toEqual([ADDRESS]);
    expect(named({ policy: BY_VARIABLE })).toEqual([]);
    expect(named({ policy: BY_VARIABLE, environment: { 'flow.keys': 'keys' } })).toEqual([]);
    expect(named({ policy: { active: false } })).toEqual([]);
  });

  it('makes nobody wait once it is there', () => {
    const keySets = recorded({ current: FIRST });
    expect(asked(given(K1, keySets)).ask().outcome).toBeUndefined();
    expect(keySets.asked).toEqual([`current ${ADDRESS}`]);
  });

  it('is waited for when it is not, and judges then what it would have judged at once', async () => {
    for (const [token, expected] of [
      [K1, 'pass'],
      [signedBy(rotated, { kid: 'k1' }), 'InvalidToken: '],
      [K2, 'NoMatchingPublicKey: '],
    ] as const) {
      const keySets = recorded({ current: Promise.resolve(FIRST) });
      expect(asked(given(token, keySets)).ask().outcome).toBeInstanceOf(Promise);
      expect(await outcomeOf(given(token, keySets))).toBe(expected);
    }
    expect(await outcomeOf(given(K1, recorded({ current: Promise.resolve(UNUSABLE) })))).toBe(
      'InvalidKeyConfiguration: ',
    );
  });

  it.each([
    ['malformed', 'foobar', 'FailedToDecode: '],
    ['of another algorithm', makeToken({ header: { alg: 'none' }, payload: {}, algorithm: 'none', key: '' }), null],
    ['without a key id', tokenWith({}), 'KeyIdMissing: '],
    ['with an empty key id', tokenWith({}, { kid: '' }), 'KeyIdMissing: '],
    ['with a critical header', tokenWith({}, { kid: 'k1', crit: ['x'], x: 1 }), 'UnhandledCriticalHeader: header(x)'],
  ])('is not asked for by a token that is %s', async (_what, token, expected) => {
    const keySets = recorded({ current: Promise.resolve(FIRST) });
    expect(await outcomeOf(given(token, keySets))).toBe(expected ?? 'AlgorithmMismatch: algorithm(none)');
    expect(keySets.asked).toEqual([]);
  });

  it('is never chosen by the token', async () => {
    const header = {
      kid: 'k2',
      jku: 'https://evil.example.org/keys',
      jwk: rotated.jwk,
      x5u: 'https://evil.example.org',
    };
    const keySets = recorded({ current: FIRST, newer: Promise.resolve(FIRST) });
    expect(await outcomeOf(given(signedBy(rotated, header), keySets))).toBe('NoMatchingPublicKey: ');
    expect(keySets.asked).toEqual([`current ${ADDRESS}`, `newer ${ADDRESS} k2`]);
  });

  it('refuses every token where nobody fetches, and the policy can be linked all the same', async () => {
    expect(await outcomeOf({ policy: BY_URI, token: K1 })).toBe('InvalidKeyConfiguration: ');
    expect(await outcomeOf({ policy: BY_VARIABLE, token: K1, set: { 'flow.keys': ADDRESS } })).toBe(
      'InvalidKeyConfiguration: ',
    );
  });
});

describe('a key that the set has not', () => {
  const judged = async (token: string, keySets: KeySets, faultCodes: LinkOptions['faultCodes']) =>
    (await judge(given(token, keySets), faultCodes)).outcome;

  it('is asked for once with the documented codes, and the token judged by the newer set alone', async () => {
    const keySets = recorded({ current: FIRST, newer: Promise.resolve(SECOND) });
    expect(await judged(K2, keySets, 'documented')).toBe('pass');
    expect(keySets.asked).toEqual([`current ${ADDRESS}`, `newer ${ADDRESS} k2`]);
    // The very same key id, and what only the set before would let pass.
    const keptId = recorded({ current: setOf(rotated, 'k1'), newer: Promise.resolve(setOf(rotated, 'k3')) });
    expect(await judged(tokenWith({}, { kid: 'k3' }), keptId, 'documented')).toBe('InvalidToken: ');
  });

  it('is asked for after waiting for the first set too, and at most once', async () => {
    const keySets = recorded({ current: Promise.resolve(FIRST), newer: Promise.resolve(FIRST) });
    expect(await judged(K2, keySets, 'documented')).toBe('NoMatchingPublicKey: ');
    expect(keySets.asked.filter((question) => question.startsWith('newer'))).toEqual([`newer ${ADDRESS} k2`]);
  });

  it('stays unknown when there is nothing newer now, or it cannot be had', async () => {
    const now = recorded({ current: FIRST });
    expect(asked(given(K2, now)).ask().outcome).toMatchObject({ name: 'NoMatchingPublicKey' });
    const failed = recorded({ current: FIRST, newer: Promise.resolve(UNUSABLE) });
    expect(await judged(K2, failed, 'documented')).toBe('NoMatchingPublicKey: ');
  });

  it('is not asked for with the observed codes', async () => {
    const keySets = recorded({ current: FIRST, newer: Promise.resolve(SECOND) });
    expect(await judged(K2, keySets, 'observed')).toBe('NoMatchingPublicKey: ');
    expect(keySets.asked).toEqual([`current ${ADDRESS}`]);
  });

  it.each([
    ['a set that cannot be used', K1, UNUSABLE, 'InvalidKeyConfiguration: '],
    ['a bad signature', signedBy(rotated, { kid: 'k1' }), FIRST, 'InvalidToken: '],
    ['a key of another type', K1, jwksSelectorFrom('{"keys":[{"kty":"EC","kid":"k1"}]}'), 'WrongKeyType: '],
  ])('is another matter than %s', async (_what, token, current, expected) => {
    const keySets = recorded({ current, newer: Promise.resolve(FIRST) });
    expect(await judged(token, keySets, 'documented')).toBe(expected);
    expect(keySets.asked.some((question) => question.startsWith('newer'))).toBe(false);
  });
});

describe('an address in a variable', () => {
  const judgedBy = (text: string | undefined, policy: object = {}): Promise<string> =>
    outcomeOf(
      given(K1, recorded({ current: FIRST }), {
        policy: { ...BY_VARIABLE, ...policy },
        set: text === undefined ? {} : { 'flow.keys': text },
      }),
    );

  it.each([
    ['absolute', ADDRESS, 'pass'],
    ['in capitals, with spaces around', ' HTTPS://IDP.Example.org/keys ', 'pass'],
    ['relative', '/keys', 'InvalidKeyConfiguration: '],
    ['a host alone', 'idp.example.org', 'InvalidKeyConfiguration: '],
    ['a file', 'file:///etc/passwd', 'InvalidKeyConfiguration: '],
    ['data', 'data:application/json,{}', 'InvalidKeyConfiguration: '],
    ['with a password', 'https://a:b@idp.example.org/keys', 'InvalidKeyConfiguration: '],
    ['with a user', 'https://idp.example.org@evil.example.org/keys', 'InvalidKeyConfiguration: '],
    ['empty', '', 'InvalidKeyConfiguration: '],
    ['not set', undefined, 'FailedToResolveVariable: variable(flow.keys)'],
  ])('that is %s', async (_what, text, expected) => {
    expect(await judgedBy(text)).toBe(expected);
  });

  it('that is not set counts as empty where unresolved variables are ignored', async () => {
    expect(await judgedBy(undefined, { ignoreUnresolvedVariables: true })).toBe('InvalidKeyConfiguration: ');
  });

  it.each([
    ['https://IDP.example.org:8443/keys', 'pass'],
    ['https://idp.example.org.evil.example/keys', 'InvalidKeyConfiguration: '],
    ['https://evil.example/idp.example.org', 'InvalidKeyConfiguration: '],
    ['https://sub.idp.example.org/keys', 'InvalidKeyConfiguration: '],
    ['https://idp.example.org./keys', 'InvalidKeyConfiguration: '],
    ['https://evil.example\\@idp.example.org/keys', 'InvalidKeyConfiguration: '],
  ])('must lead to an allowed host where the policy names some: %s', async (text, expected) => {
    expect(await judgedBy(text, { allowedJwksHosts: ['IDP.example.org'] })).toBe(expected);
  });

  it('is followed request by request', async () => {
    const keySets = recorded({ current: FIRST });
    for (const address of [`${ADDRESS}/a`, `${ADDRESS}/b#c`]) {
      await judge(given(K1, keySets, { policy: BY_VARIABLE, set: { 'flow.keys': address } }));
    }
    expect(keySets.asked).toEqual([`current ${ADDRESS}/a`, `current ${ADDRESS}/b`]);
  });
});

describe('what was not foreseen', () => {
  const broken = (answers: Partial<KeySets>): KeySets => ({ ...recorded({ current: FIRST }), ...answers });
  it.each([
    [
      'current throws',
      {
        current: () => {
          throw new TypeError('secret');
        },
      },
    ],
    ['current is rejected', { current: () => Promise.reject(new TypeError('secret')) }],
    ['newerFor is rejected', { newerFor: () => Promise.reject(new TypeError('secret')) }],
  ])('refuses the token: %s', async (_what, answers: Partial<KeySets>) => {
    const { fault, exchange } = await judge(given(K2, broken(answers)));
    expect(fault).toMatchObject({ status: 401, name: 'UnknownException' });
    expect(JSON.stringify(fault)).not.toContain('secret');
    expect(exchange.variable('jwt.P.valid')).toBe(false);
    const goesOn = { policy: { ...RS256_POLICY, ...BY_URI, continueOnError: true } };
    expect((await judge(given(K2, broken(answers), goesOn))).fault).toBeUndefined();
  });
});
