import fc from 'fast-check';
import { generateSigningKey, VerifiedTokens, type JsonObject } from '#libs/jwt-engine';
import type { CredentialStanding, LinkOptions } from '../linking/link-context.ts';
import { linkProxy, type LinkedProxy } from '../pipeline/link-proxy.ts';
import { artifactOf, exchangeFor, NOW_MS, NOW_SECONDS, placed, routeOf } from '../testing/artifacts.ts';
import { makeToken } from '../testing/token-maker.ts';
import { TOKEN_VARIABLE_NAMES } from '../tokens/token-variables.ts';

/**
 * Requests to two gateways that differ in one thing: one remembers verified access tokens, those of all its proxies in one
 * place. The one that does not is the reference.
 */
const SECRETS = ['a', 'b'].map((name) => ({ ...generateSigningKey('HS256').jwk, kid: 'one kid', name }));
const LOGIN = {
  type: 'policy-auth-jwt',
  jwtSignatureAlgorithm: 'HS256',
  allowUrlParameters: true,
  addUserToHeader: true,
};

/** Two proxies of the same key, in both modes, and what a redeployment with another key of that `kid` makes of them. */
const DEPLOYMENTS = ['orders', 'returns'].flatMap((proxy) =>
  [{}, { managedFromThisPolicy: false, revocationCheck: 'closed' }].flatMap((mode) =>
    SECRETS.map((signing) => ({ proxy, policy: { ...LOGIN, clearAuth: proxy === 'orders', ...mode }, signing })),
  ),
);

function gateway(options: Partial<LinkOptions>): LinkedProxy[] {
  return DEPLOYMENTS.map(({ proxy, policy, signing }) => {
    const parts = { request: [placed('Login', policy)], signingKeys: { Login: { signing, verification: [] } } };
    const linked = linkProxy({ ...artifactOf(parts), proxy }, { faultCodes: 'documented', ...options });
    if (!linked.ok) throw new RangeError(JSON.stringify(linked.faults));
    return linked.proxy;
  });
}

const token = (secret: JsonObject, claims: object, typ = 'at+jwt'): string =>
  makeToken({
    header: { alg: 'HS256', kid: 'one kid', typ },
    payload: { iss: 'https://gatewarden/test', aud: 'urn:gatewarden:shop/orders', client_id: 'billing', ...claims },
    algorithm: 'HS256',
    key: Buffer.from(secret['k'] as string, 'base64url'),
  });
const TOKENS = SECRETS.flatMap((secret) => [
  token(secret, { sub: 'alice', jti: 'j1', exp: NOW_SECONDS + 60 }),
  token(secret, { sub: 'alice', jti: '~j2', exp: NOW_SECONDS + 60 }),
  token(secret, { sub: 'bob', jti: '~j3', aud: ['urn:gatewarden:shop/returns', 'urn:gatewarden:shop/orders'] }),
  token(secret, { sub: 7, jti: 'j4', aud: 'urn:gatewarden:shop/returns', nbf: NOW_SECONDS + 1 }),
  token(secret, { sub: 'alice', jti: '~j5' }, 'JWT'),
  token(secret, { sub: 'alice', jti: '~j6', iss: 'https://gatewarden/other' }),
]);

const STANDINGS = ['good', 'good', 'unknown', 'disabled-credential', 'no-access'] as const;
/** What is sent where in one life: few, so that they come again. */
const calls = fc.array(
  fc.record({
    token: fc.constantFrom(...TOKENS, ...TOKENS.slice(0, 2).map((text) => `${text.slice(0, -4)}AAAA`)),
    deployment: fc.nat(DEPLOYMENTS.length - 1),
  }),
  { minLength: 6, maxLength: 6 },
);
const moment = fc.record({
  call: fc.nat(5),
  seconds: fc.constantFrom<number>(-40, 0, 0, 0, 0.3, 0.6, 0.9, 1, 59, 60, 400, 1_000),
  sent: fc.constantFrom('Bearer ', 'Bearer ', 'bearer   ', 'Basic ', 'query', 'both' as const),
  revoked: fc.constantFrom('alice', 'bob', undefined, undefined),
  isLive: fc.boolean(),
  standings: fc.record({ alice: fc.constantFrom(...STANDINGS), bob: fc.constantFrom(...STANDINGS) }),
  isAwaited: fc.boolean(),
});
type Values<Arbitrary> = Arbitrary extends fc.Arbitrary<infer Value> ? Value : never;
type Call = Values<typeof calls>[number];
type Moment = Values<typeof moment>;

class World {
  now: Moment | undefined;
  readonly proxies: readonly LinkedProxy[];

  constructor(verifiedTokens: VerifiedTokens | undefined) {
    const isLive = (): boolean => this.now?.isLive === true;
    this.proxies = gateway({
      verifiedTokens,
      revocations: {
        get isLive() {
          return isLive();
        },
        ageMs: 0,
        isRevoked: ({ sub }) => sub !== undefined && sub === this.now?.revoked,
      },
      credentials: {
        standingOf: ({ subject }) => {
          const standings: Readonly<Record<string, CredentialStanding>> = this.now?.standings ?? {};
          const standing = standings[subject] ?? 'unknown-credential';
          return this.now?.isAwaited === true ? Promise.resolve(standing) : standing;
        },
      },
    });
  }

  async ask({ token: text, deployment }: Call, now: Moment): Promise<unknown> {
    this.now = now;
    const proxy = this.proxies[deployment];
    if (proxy === undefined) throw new RangeError('no such deployment');
    const inQuery = now.sent === 'query' || now.sent === 'both';
    const scheme = now.sent === 'both' ? 'Bearer ' : now.sent;
    const exchange = exchangeFor(proxy, {
      headers: now.sent === 'query' ? {} : { Authorization: `${scheme}${text}` },
      queryString: inQuery ? `access_token=${text}` : '',
    });
    const fault = await routeOf(proxy).runRequest(exchange, NOW_MS + now.seconds * 1_000);
    const variables = TOKEN_VARIABLE_NAMES.map((name) => exchange.variable(`jwt.Login.${name}`));
    const hidden = [...exchange.hiddenQueryParameters];
    return { reason: fault?.reason, fault, variables, upstream: [...exchange.upstreamHeaders], hidden };
  }
}

describe('a gateway that remembers access tokens', () => {
  it('lets pass and refuses what one that does not would, in both modes, whatever changes between requests', async () => {
    const tallies = { hits: 0, repeatedRefusals: 0, evictions: 0 };
    const reasons = new Set<unknown>();
    await fc.assert(
      fc.asyncProperty(
        fc.array(moment, { minLength: 40, maxLength: 120 }),
        calls,
        fc.integer({ min: 2, max: 12 }),
        async (life, called, entries) => {
          const memory = new VerifiedTokens({ entries, bytes: 1_000_000 });
          const [remembering, forgetful] = [new World(memory), new World(undefined)];
          for (const now of life) {
            const call = called[now.call];
            if (call === undefined) throw new RangeError('no such call');
            const answer = await remembering.ask(call, now);
            expect(answer).toEqual(await forgetful.ask(call, now));
            reasons.add((answer as { readonly reason: unknown }).reason);
          }
          for (const name of ['hits', 'repeatedRefusals', 'evictions'] as const) tallies[name] += memory.counts[name];
        },
      ),
      { numRuns: 80 },
    );
    // Otherwise nothing was compared.
    expect(Math.min(tallies.hits, tallies.evictions)).toBeGreaterThan(100);
    expect(tallies.repeatedRefusals).toBeGreaterThan(0);
    for (const reason of [undefined, 'revoked', 'TokenExpired', 'TokenNotYetValid', 'ClaimMismatch jti', 'no-access']) {
      expect(reasons).toContain(reason);
    }
  });
});
