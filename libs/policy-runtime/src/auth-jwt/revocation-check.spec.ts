import { generateSigningKey } from '#libs/jwt-engine';
import type { LinkOptions, RevocationKnowledge } from '../linking/link-context.ts';
import { exchangeFor, linked, NOW_MS, placed, routeOf } from '../testing/artifacts.ts';

const KEY = generateSigningKey('HS256');

async function called(policy: object, revocations: RevocationKnowledge | undefined, token?: string) {
  const members = { type: 'policy-auth-jwt', jwtSignatureAlgorithm: 'HS256', addUserToHeader: true, ...policy };
  const options: Partial<LinkOptions> = revocations === undefined ? {} : { revocations };
  const proxy = linked(
    { request: [placed('Login', members)], signingKeys: { Login: { signing: KEY.jwk, verification: [] } } },
    options,
  );
  const claims = { sub: 'alice', client_id: 'c', jti: 'j' };
  const good = proxy.issuers[0]?.issueAccessToken(claims, NOW_MS).token ?? '';
  const exchange = exchangeFor(proxy, { headers: { Authorization: `Bearer ${token ?? good}` } });
  return { exchange, fault: await routeOf(proxy).runRequest(exchange, NOW_MS) };
}

const NOTHING_REVOKED = { isRevoked: () => false };
const LIVE: RevocationKnowledge = { isLive: true, ageMs: 0, ...NOTHING_REVOKED };
const BETWEEN_LOOKS: RevocationKnowledge = { isLive: true, ageMs: 1_050, ...NOTHING_REVOKED };
const cutOff = (ageMs: number): RevocationKnowledge => ({ isLive: false, ageMs, ...NOTHING_REVOKED });
const CLOSED = { revocationCheck: 'closed' };
const BARELY = { revocationCheck: 'boundedStale', revocationStaleSeconds: 1 };
const BOUNDED = { revocationCheck: 'boundedStale', revocationStaleSeconds: 30 };

describe('revocationCheck', () => {
  it.each([
    ['lastKnown passes whatever is known', { revocationCheck: 'lastKnown' }, undefined, undefined],
    ['closed passes while Redis is connected', CLOSED, LIVE, undefined],
    ['closed is 503 at once when it is not', CLOSED, cutOff(1), 503],
    ['closed is 503 when nothing is known', CLOSED, undefined, 503],
    ['boundedStale passes between two looks at a connected Redis', BARELY, BETWEEN_LOOKS, undefined],
    ['boundedStale passes up to its seconds', BOUNDED, cutOff(30_000), undefined],
    ['boundedStale is 503 after them', BOUNDED, cutOff(30_001), 503],
    ['boundedStale is 503 when Redis was never read', BOUNDED, cutOff(Infinity), 503],
    ['boundedStale is 503 when nothing is known', BOUNDED, undefined, 503],
  ] as const)('%s', async (_what, policy, revocations, status) => {
    expect((await called(policy, revocations)).fault?.status).toBe(status);
  });

  it('answers in the gateway’s envelope without a word about the token, which counts for nothing', async () => {
    const { fault, exchange } = await called(CLOSED, cutOff(1));
    expect(fault).toMatchObject({ name: 'GWD-015', policy: 'Login', reason: 'revocations: not connected' });
    expect(fault?.headers).toContainEqual(['Retry-After', '1']);
    expect(fault?.headers.map(([name]) => name)).not.toContain('WWW-Authenticate');
    expect(JSON.parse(fault?.body ?? '')).toMatchObject({ fault: { faultCode: 'GWD-015', faultStatusCode: '503' } });
    expect(exchange.variable('jwt.Login.valid')).toBe(false);
    expect(exchange.upstreamHeaders.get('x-authenticated-userid')).toBeUndefined();
  });

  it.each([
    ['lastKnown', { revocationCheck: 'lastKnown' }, true],
    ['closed', CLOSED, true],
    ['closed, not connected', CLOSED, false],
    ['boundedStale, known too long ago', BOUNDED, false],
  ])('refuses a revoked token as that with %s', async (_what, policy, isLive) => {
    const asked: unknown[] = [];
    const isRevoked = (claims: unknown): boolean => asked.push(claims) > 0;
    const { fault, exchange } = await called(policy, { isLive, ageMs: isLive ? 0 : Infinity, isRevoked });
    expect(fault).toMatchObject({ status: 401, name: 'ERR-044', reason: 'revoked' });
    expect(fault?.headers).toContainEqual(['WWW-Authenticate', 'Bearer error="invalid_token"']);
    expect(asked).toMatchObject([{ sub: 'alice', client_id: 'c', jti: 'j', iat: NOW_MS / 1_000 }]);
    expect(exchange.variable('jwt.Login.valid')).toBe(false);
    expect(exchange.upstreamHeaders.get('x-authenticated-userid')).toBeUndefined();
  });

  it('is not asked about a token that is none', async () => {
    const isRevoked = (): boolean => {
      throw new Error('asked');
    };
    expect((await called(BOUNDED, { isLive: true, ageMs: 0, isRevoked }, 'not.a.token')).fault?.status).toBe(401);
  });

  it('refuses a bad token as one, connected or not', async () => {
    expect((await called(CLOSED, cutOff(1), 'not.a.token')).fault?.status).toBe(401);
  });
});
