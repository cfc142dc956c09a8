import { generateSigningKey } from '#libs/jwt-engine';
import type { CredentialStandings } from '../linking/link-context.ts';
import { exchangeFor, linked, NOW_MS, placed, routeOf } from '../testing/artifacts.ts';
import { makeToken } from '../testing/token-maker.ts';

const KEY = generateSigningKey('HS256');
const GOOD: CredentialStandings = { standingOf: () => 'good' };
const POLICY = { type: 'policy-auth-jwt', jwtSignatureAlgorithm: 'HS256' };
const CLAIMS = { sub: 'alice', client_id: 'billing', jti: 'login.own' };

/** Versions of one proxy: one audience, one key, the one kind of policy or the other. */
const proxyWith = (managedFromThisPolicy: boolean) =>
  linked(
    {
      request: [placed('Login', { ...POLICY, managedFromThisPolicy })],
      signingKeys: { Login: { signing: KEY.jwk, verification: [] } },
    },
    { credentials: GOOD },
  );
const MANAGED = proxyWith(true);
const IN_ACL_MODE = proxyWith(false);
const ofAuth = MANAGED.issuers[0]!;
const ofCredential = IN_ACL_MODE.credentialIssuers[0]!;

const refusalAt = async (proxy: typeof MANAGED, token: string) => {
  const exchange = exchangeFor(proxy, { headers: { Authorization: `Bearer ${token}` } });
  return (await routeOf(proxy).runRequest(exchange, NOW_MS))?.reason;
};
const forged = (claims: object): string =>
  makeToken({
    header: { alg: 'HS256', kid: KEY.keyId, typ: 'at+jwt' },
    payload: { iss: 'https://gatewarden/test', aud: 'urn:gatewarden:shop/orders', ...CLAIMS, ...claims },
    algorithm: 'HS256',
    key: Buffer.from(KEY.jwk['k'] as string, 'base64url'),
  });

describe('tokens of one token service at policies of the other, of one proxy and one key', () => {
  it('pass at policies of their own kind', async () => {
    expect(await refusalAt(MANAGED, ofAuth.issueAccessToken(CLAIMS, NOW_MS).token)).toBeUndefined();
    expect(await refusalAt(IN_ACL_MODE, ofCredential.issueAccessToken(CLAIMS, NOW_MS).token)).toBeUndefined();
  });

  it('are refused', async () => {
    const reason = 'ClaimMismatch jti';
    expect(await refusalAt(MANAGED, ofCredential.issueAccessToken(CLAIMS, NOW_MS).token)).toBe(reason);
    expect(await refusalAt(IN_ACL_MODE, ofAuth.issueAccessToken(CLAIMS, NOW_MS).token)).toBe(reason);
  });

  it('are none of theirs to whoever asks what they are', () => {
    const read = ofAuth.readAccessToken(ofCredential.issueAccessToken(CLAIMS, NOW_MS).token, NOW_MS);
    expect(read).toMatchObject({ ok: false, code: 'ClaimMismatch', claim: 'jti' });
    expect(ofCredential.readAccessToken(ofAuth.issueAccessToken(CLAIMS, NOW_MS).token, NOW_MS).ok).toBe(false);
  });

  it.each([undefined, 7, null, ['~a'], 'a~', ''])('need the mark in ACL mode: jti %j', async (jti) => {
    expect(await refusalAt(IN_ACL_MODE, forged({ jti }))).toBe('ClaimMismatch jti');
    expect(await refusalAt(MANAGED, forged({ jti }))).toBeUndefined();
  });
});
