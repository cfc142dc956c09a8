import { generateSigningKey } from '#libs/jwt-engine';
import type { CredentialStanding, CredentialUse, RevocationKnowledge } from '../linking/link-context.ts';
import { exchangeFor, linked, NOW_MS, placed, routeOf } from '../testing/artifacts.ts';
import { makeToken } from '../testing/token-maker.ts';

const KEY = generateSigningKey('HS256');
const LIVE: RevocationKnowledge = { isLive: true, ageMs: 0, isRevoked: () => false };
const REVOKED: RevocationKnowledge = { ...LIVE, isRevoked: () => true };

type Answer = CredentialStanding | Promise<CredentialStanding>;

interface Given {
  readonly policy?: object;
  readonly claims?: { sub: string; client_id: string };
  readonly token?: string;
  readonly revocations?: RevocationKnowledge;
}

async function called(answer: Answer | undefined, { policy = {}, claims, token, revocations = LIVE }: Given = {}) {
  const asked: CredentialUse[] = [];
  const credentials = {
    standingOf: (use: CredentialUse): Answer => {
      asked.push(use);
      return answer ?? 'unknown';
    },
  };
  const members = { type: 'policy-auth-jwt', jwtSignatureAlgorithm: 'HS256', managedFromThisPolicy: false, ...policy };
  const proxy = linked(
    { request: [placed('Login', members)], signingKeys: { Login: { signing: KEY.jwk, verification: [] } } },
    { revocations, ...(answer === undefined ? {} : { credentials }) },
  );
  const [issuer] = [...proxy.credentialIssuers, ...proxy.issuers];
  const own = issuer?.issueAccessToken({ sub: 'alice', client_id: 'billing', jti: 'j', ...claims }, NOW_MS).token;
  const exchange = exchangeFor(proxy, { headers: { Authorization: `Bearer ${token ?? own ?? ''}` } });
  return { exchange, asked, fault: await routeOf(proxy).runRequest(exchange, NOW_MS) };
}

const later = (standing: CredentialStanding): Promise<CredentialStanding> => Promise.resolve(standing);

const REFUSED: readonly CredentialStanding[] = [
  ...(['unknown-credential', 'disabled-credential', 'expired-credential', 'no-access', 'foreign-address'] as const),
];

describe('the credential of a token, with managedFromThisPolicy:false', () => {
  it('is asked about by name, user, proxy, address and time', async () => {
    const { asked } = await called('good');
    expect(asked).toEqual([
      {
        ...{ clientId: 'billing', subject: 'alice', project: 'shop', proxy: 'orders' },
        ...{ clientAddress: '192.0.2.7', nowMs: NOW_MS },
      },
    ]);
  });

  it.each([
    ['at once', 'good'],
    ['after a wait', later('good')],
  ] as const)('lets its token pass when nothing stands against it: %s', async (_when, answer) => {
    const { fault, exchange } = await called(answer, { policy: { addUserToHeader: true, clearAuth: true } });
    expect(fault).toBeUndefined();
    expect(exchange.variable('jwt.Login.valid')).toBe(true);
    expect(exchange.upstreamHeaders.get('x-authenticated-userid')).toBe('alice');
    expect(exchange.upstreamHeaders.has('authorization')).toBe(true);
  });

  it.each(REFUSED.flatMap((standing) => [[standing, standing] as const, [standing, later(standing)] as const]))(
    'has its token refused for %s',
    async (reason, answer) => {
      const { fault, exchange } = await called(answer, { policy: { addUserToHeader: true, clearAuth: true } });
      expect(fault).toMatchObject({ status: 401, name: 'ERR-044', policy: 'Login', reason });
      expect(fault?.headers).toContainEqual(['WWW-Authenticate', 'Bearer error="invalid_token"']);
      expect(fault?.body).not.toContain(reason);
      expect(exchange.variable('jwt.Login.valid')).toBe(false);
      expect([...exchange.upstreamHeaders]).toEqual([['x-authenticated-userid', undefined]]);
    },
  );

  it.each([
    ['lastKnown', undefined],
    ['boundedStale', 503],
    ['closed', 503],
  ])('of which nothing is known: %s', async (revocationCheck, status) => {
    const policy = { revocationCheck, ...(revocationCheck === 'boundedStale' ? { revocationStaleSeconds: 30 } : {}) };
    for (const answer of ['unknown', later('unknown'), undefined] as const) {
      expect((await called(answer, { policy })).fault?.status).toBe(status);
    }
  });

  it('of which nothing is known is no word about the token', async () => {
    const { fault, exchange } = await called('unknown', { policy: { revocationCheck: 'closed' } });
    expect(fault).toMatchObject({ name: 'GWD-017', policy: 'Login', reason: 'credentials: not known' });
    expect(fault?.headers).toContainEqual(['Retry-After', '1']);
    expect(fault?.headers.map(([name]) => name)).not.toContain('WWW-Authenticate');
    expect(exchange.variable('jwt.Login.valid')).toBe(false);
  });

  it('is not asked about for a token that is refused anyway', async () => {
    expect((await called('good', { token: 'not.a.token' })).asked).toEqual([]);
    const { asked, fault } = await called('good', { revocations: REVOKED });
    expect([asked, fault?.status]).toEqual([[], 401]);
  });

  it('must be named by the token', async () => {
    const header = { alg: 'HS256', kid: KEY.keyId, typ: 'at+jwt' };
    const own = { iss: 'https://gatewarden/test', aud: 'urn:gatewarden:shop/orders', jti: '~j', iat: 0 };
    for (const payload of [
      own,
      { ...own, sub: 'alice' },
      { ...own, sub: 'alice', client_id: 7 },
      { ...own, client_id: 'billing' },
    ]) {
      const token = makeToken({
        header,
        payload,
        algorithm: 'HS256',
        key: Buffer.from(KEY.jwk['k'] as string, 'base64url'),
      });
      const { asked, fault } = await called('good', { token });
      expect([asked, fault?.reason]).toEqual([[], 'unknown-credential']);
    }
  });

  it('does not count with managedFromThisPolicy:true', async () => {
    const { asked, fault } = await called('disabled-credential', { policy: { managedFromThisPolicy: true } });
    expect([asked, fault]).toEqual([[], undefined]);
  });
});
