import fc from 'fast-check';
import { generateSigningKey, jwksSelectorFrom, refusal, VerifiedTokens, type KeySelector } from '#libs/jwt-engine';
import type { Exchange } from '../exchange/exchange.ts';
import type { KeySet, LinkOptions } from '../linking/link-context.ts';
import type { LinkedProxy } from '../pipeline/link-proxy.ts';
import { exchangeFor, linked, NOW_MS, NOW_SECONDS, placed, routeOf } from '../testing/artifacts.ts';
import { makeToken, rsaPair, type TestKeyPair } from '../testing/token-maker.ts';
import { TOKEN_VARIABLE_NAMES } from '../tokens/token-variables.ts';

/**
 * Requests to two gateways that differ in one thing: one remembers verified tokens. The one that does not is the reference.
 */
const PAIRS = { a: rsaPair(), b: rsaPair() };
type PairName = keyof typeof PAIRS;
const KEY_SET = 'https://idp.example.org/keys';
const LOGIN_KEY = generateSigningKey('HS256');

const CLAIM_SETS: readonly object[] = [
  { aud: 'one', sub: 'alice', exp: NOW_SECONDS + 60, nbf: NOW_SECONDS - 30, level: 3, roles: ['x', { deep: 1.0 }] },
  { aud: ['one', 'two'], sub: 'bob', iat: NOW_SECONDS, level: 3.5, jti: 'j2' },
  { aud: 'two', exp: NOW_SECONDS + 5, level: '3', 'https://ns.example/x': { a: null, b: true } },
  { exp: 'soon', aud: 'one', level: 3 },
];
const signed = (pair: TestKeyPair, claims: object, header: object): string =>
  makeToken({ header: { alg: 'RS256', ...header }, payload: claims, algorithm: 'RS256', key: pair.privateKey });
const tampered = (token: string): string => `${token.slice(0, -5)}AAAAA`;

const SIGNED = CLAIM_SETS.flatMap((claims) => [
  signed(PAIRS.a, claims, { kid: 'k' }),
  signed(PAIRS.b, claims, { kid: 'k' }),
  signed(PAIRS.a, claims, { kid: 'l', crit: ['ext'], ext: 1 }),
]);
const TOKENS = [
  ...SIGNED,
  ...[0, 1, 2, 0, 1, 0, 0].map((index) => tampered(SIGNED[index] ?? '')),
  signed(PAIRS.a, CLAIM_SETS[0] ?? {}, {}),
  makeToken({ header: { alg: 'RS256', kid: 'k' }, payload: 'no json', algorithm: 'RS256', key: PAIRS.a.privateKey }),
  'a.b.c',
];

/** Which set of the allowed host it is says the request. */
const SENT = { publicKey: { jwks: { uriRef: 'request.header.keys' } }, allowedJwksHosts: ['idp.example.org'] };
const CHECKED = {
  type: 'policy-verify-jwt',
  algorithm: 'RS256',
  audience: { ref: 'flow.audience' },
  knownHeaders: { ref: 'flow.known' },
  timeAllowance: { ref: 'flow.allowance' },
  additionalClaims: [{ name: 'level', type: 'number', ref: 'flow.level' }],
};
const POLICIES = [
  placed('Fetched', { ...CHECKED, continueOnError: true, publicKey: { jwks: { uri: KEY_SET } } }),
  placed('Handed', { ...CHECKED, continueOnError: true, publicKey: { value: { ref: 'flow.key' } } }),
  placed('Sent', { ...CHECKED, continueOnError: true, ...SENT }),
];
const LOGIN = { type: 'policy-auth-jwt', jwtSignatureAlgorithm: 'HS256', addUserToHeader: true };

/** One request, and what the world is like when it comes. */
const moment = fc.record({
  token: fc.constantFrom(...TOKENS),
  seconds: fc.constantFrom<number>(-40, 0, 0, 0, 0, 0.2, 0.4, 0.5, 0.6, 4, 5, 59, 60, 400, 1_000),
  keySet: fc.constantFrom('a', 'a', 'b', 'denied', 'none', 'awaited' as const),
  handed: fc.constantFrom<PairName>('a', 'a', 'b'),
  isRevoked: fc.boolean(),
  variables: fc.record({
    'flow.audience': fc.constantFrom('one', 'two', undefined),
    'flow.known': fc.constantFrom('ext', '', undefined),
    'flow.allowance': fc.constantFrom('0s', '10s', 'rubbish'),
    'flow.level': fc.constantFrom('3', '3.0', '3.5', 'x'),
  }),
});
type Moment = typeof moment extends fc.Arbitrary<infer Value> ? Value : never;

/** Sets are parsed anew at each rotation, as a fetched document is. */
function keySetAt({ keySet }: Moment, known: Map<string, KeySet>): KeySet | Promise<KeySet> {
  if (keySet === 'none') return refusal('InvalidKeyConfiguration');
  const name = keySet === 'b' ? 'b' : 'a';
  const made = jwksSelectorFrom(JSON.stringify({ keys: ['k', 'l'].map((kid) => ({ ...PAIRS[name].jwk, kid })) }));
  const set = known.get(name) ?? made;
  known.clear();
  known.set(name, set);
  if (keySet === 'awaited') return Promise.resolve(set);
  if (keySet !== 'denied' || typeof set !== 'function') return set;
  const denying: KeySelector<unknown> = (header, ...rest) =>
    header['kid'] === 'k' ? refusal('NoMatchingPublicKey') : set(header, ...rest);
  return denying;
}

class World {
  now: Moment | undefined;
  private readonly known = new Map<string, KeySet>();

  proxy(verifiedTokens: VerifiedTokens | undefined, request = POLICIES, more: object = {}): LinkedProxy {
    const options: Partial<LinkOptions> = {
      verifiedTokens,
      keySets: {
        current: () => (this.now === undefined ? refusal('InvalidKeyConfiguration') : keySetAt(this.now, this.known)),
        newerFor: () => undefined,
      },
      revocations: { isLive: true, ageMs: 0, isRevoked: () => this.now?.isRevoked === true },
    };
    const signingKeys = { Login: { signing: LOGIN_KEY.jwk, verification: [] } };
    return linked({ request: [...request], signingKeys, ...more }, options);
  }
}

const NAMES = [
  ...TOKEN_VARIABLE_NAMES,
  'claim.level',
  'claim.roles',
  'decoded.claim.https://ns.example/x',
  'header.kid',
];
const everythingOf = (exchange: Exchange, policies: readonly string[]): unknown[] => [
  ...policies.flatMap((policy) => NAMES.map((name) => [policy, name, exchange.variable(`jwt.${policy}.${name}`)])),
  exchange.variable('JWT.failed'),
  exchange.variable('fault.name'),
  [...exchange.upstreamHeaders],
];

async function asked(proxy: LinkedProxy, { token, seconds, handed, variables }: Moment, policies: readonly string[]) {
  const headers = { Authorization: `Bearer ${token}`, Keys: KEY_SET };
  const exchange = exchangeFor(proxy, { headers });
  for (const [name, value] of Object.entries(variables)) exchange.setVariable(name, value);
  exchange.setVariable('flow.key', PAIRS[handed].publicPem);
  const fault = await routeOf(proxy).runRequest(exchange, NOW_MS + seconds * 1_000);
  return { fault, variables: everythingOf(exchange, policies) };
}

describe('a gateway that remembers verified tokens', () => {
  it('judges and publishes what one that does not would, whatever changes between requests', async () => {
    const tallies = { hits: 0, repeatedRefusals: 0, evictions: 0 };
    await fc.assert(
      fc.asyncProperty(
        // Now and then the same comes again at once: the memory is smaller than what is verified in between.
        fc.array(fc.tuple(moment, fc.integer({ min: 1, max: 3 })), { minLength: 10, maxLength: 30 }),
        fc.integer({ min: 2, max: 20 }),
        async (life, entries) => {
          const memory = new VerifiedTokens({ entries, bytes: 1_000_000 });
          const [world, reference] = [new World(), new World()];
          const [remembering, forgetful] = [world.proxy(memory), reference.proxy(undefined)];
          const names = POLICIES.map(({ name }) => name);
          for (const now of life.flatMap(([one, times]) => Array<Moment>(times).fill(one))) {
            world.now = reference.now = now;
            expect(await asked(remembering, now, names)).toEqual(await asked(forgetful, now, names));
          }
          for (const name of ['hits', 'repeatedRefusals', 'evictions'] as const) tallies[name] += memory.counts[name];
        },
      ),
      { numRuns: 50 },
    );
    // Otherwise nothing was compared.
    expect(Math.min(tallies.hits, tallies.evictions)).toBeGreaterThan(10);
    expect(tallies.repeatedRefusals).toBeGreaterThan(0);
  });

  it('looks for revocation at every request, and never at the memory alone', async () => {
    const world = new World();
    const memory = new VerifiedTokens({ entries: 10, bytes: 1_000_000 });
    const proxy = world.proxy(memory, [placed('Login', LOGIN)]);
    const claims = { sub: 'alice', client_id: 'c', jti: 'j' };
    const token = proxy.issuers[0]?.issueAccessToken(claims, NOW_MS, {
      audience: [proxy.issuers[0].audience],
      lifeMs: 60_000,
    });
    const at = async (seconds: number, isRevoked = false): Promise<string | undefined> => {
      const [now] = fc.sample(moment, 1);
      if (now === undefined || token === undefined) throw new RangeError('no moment');
      world.now = { ...now, isRevoked };
      return (await asked(proxy, { ...world.now, token: token.token, seconds }, ['Login'])).fault?.reason;
    };
    expect([await at(0), await at(1), await at(2, true), await at(3), await at(60), await at(4)]).toEqual([
      undefined,
      undefined,
      'revoked',
      undefined,
      'TokenExpired',
      undefined,
    ]);
    expect(memory.counts).toMatchObject({ hits: 5, misses: 1 });
  });
});

describe('what is remembered', () => {
  const requests = 3;
  const memoryAfter = async (policy: object, parts: { readonly environment?: Record<string, string> } = {}) => {
    const memory = new VerifiedTokens({ entries: 10, bytes: 1_000_000 });
    const world = new World();
    const request = [placed('P', { type: 'policy-verify-jwt', algorithm: 'RS256', ...policy })];
    const proxy = world.proxy(memory, request, { variables: parts.environment ?? {} });
    const [sampled] = fc.sample(moment, 1);
    if (sampled === undefined) throw new RangeError('no moment');
    world.now = {
      ...sampled,
      token: signed(PAIRS.a, { sub: 'x' }, { kid: 'k' }),
      seconds: 0,
      keySet: 'a',
      handed: 'a',
    };
    for (let n = 0; n < requests; n += 1) expect((await asked(proxy, world.now, ['P'])).fault).toBeUndefined();
    return memory.counts;
  };

  it.each([
    ['a literal key', { publicKey: { value: PAIRS.a.publicPem } }, {}],
    [
      'a key in an environment variable',
      { publicKey: { value: { ref: 'k' } } },
      { environment: { k: PAIRS.a.publicPem } },
    ],
    ['a key in a flow variable', { publicKey: { value: { ref: 'flow.key' } } }, {}],
    ['a fetched key set', { publicKey: { jwks: { uri: KEY_SET } } }, {}],
  ])('is a token that %s verified', async (_what, policy, parts) => {
    expect(await memoryAfter(policy, parts)).toMatchObject({ hits: requests - 1, misses: 1 });
    expect(await memoryAfter({ ...policy, cacheVerifiedTokens: true }, parts)).toMatchObject({ hits: requests - 1 });
  });

  it.each([
    ['the policy turns it off', { publicKey: { value: PAIRS.a.publicPem }, cacheVerifiedTokens: false }],
    ['it does so of fetched keys', { publicKey: { jwks: { uri: KEY_SET } }, cacheVerifiedTokens: false }],
    ['the request says which keys', SENT],
  ])('is nothing when %s', async (_what, policy) => {
    expect(await memoryAfter(policy)).toMatchObject({ hits: 0, misses: 0, entries: 0 });
  });

  it('is nothing of an access token when the policy turns it off', async () => {
    const memory = new VerifiedTokens({ entries: 10, bytes: 1_000_000 });
    const proxy = new World().proxy(memory, [placed('Login', { ...LOGIN, cacheVerifiedTokens: false })]);
    const token = proxy.issuers[0]?.issueAccessToken({ sub: 'alice', client_id: 'c', jti: 'j' }, NOW_MS).token ?? '';
    const exchange = exchangeFor(proxy, { headers: { Authorization: `Bearer ${token}` } });
    expect(await routeOf(proxy).runRequest(exchange, NOW_MS)).toBeUndefined();
    expect(memory.counts).toMatchObject({ misses: 0, entries: 0 });
  });
});
