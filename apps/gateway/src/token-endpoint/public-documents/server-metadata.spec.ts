import { answerOf, proxyWith, TokenService } from '../testing/token-service.ts';

const AUTH = '/auth/.well-known/oauth-authorization-server';

async function metadata(service: TokenService, path = AUTH) {
  return answerOf(await service.send({ method: 'GET', path, headers: [] }));
}

describe('the metadata of a token service', () => {
  it('says where everything is and what can be done, as RFC 8414 has it', async () => {
    const answer = await metadata(new TokenService());
    expect(answer.status).toBe(200);
    expect(answer.headers).toEqual({
      'content-type': 'application/json',
      'cache-control': 'public, max-age=60',
      'access-control-allow-origin': '*',
      vary: 'X-Forwarded-Host, X-Forwarded-Proto',
    });
    expect(answer.body).toEqual({
      issuer: 'https://issuer.test',
      token_endpoint: 'https://gateway.test/auth/jwt',
      jwks_uri: 'https://gateway.test/auth/.well-known/jwks.json',
      response_types_supported: [],
      grant_types_supported: ['password', 'refresh_token'],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
      introspection_endpoint: 'https://gateway.test/auth/introspect',
      introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
      revocation_endpoint: 'https://gateway.test/auth/revoke',
      revocation_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    });
  });

  it.each([
    ['/auth', AUTH],
    ['/auth', '/.well-known/oauth-authorization-server/auth'],
    ['/credential', '/credential/.well-known/oauth-authorization-server'],
    ['/credential', '/.well-known/oauth-authorization-server/credential'],
  ])('of %s is at %s', async (service, path) => {
    const { body } = await metadata(new TokenService(), path);
    expect(body['token_endpoint']).toBe(`https://gateway.test${service}/jwt`);
  });

  it.each([
    [
      'one grant and nothing to refresh',
      { grantType: 'CLIENT_CREDENTIALS', refreshTokenAllowed: false },
      ['client_credentials'],
    ],
    ['no refresh beside tokens that never expire', { tokenNeverExpires: true }, ['password']],
    ['nothing of policies of the other service', { managedFromThisPolicy: false }, []],
  ])('names the grants of what is deployed: %s', async (_what, policy, grants) => {
    expect((await metadata(new TokenService(policy))).body['grant_types_supported']).toEqual(grants);
  });

  it('names clients without a secret where a policy takes them, but not for introspection or credentials', async () => {
    const service = new TokenService({ requireClientSecret: false });
    const { body } = await metadata(service);
    expect(body['token_endpoint_auth_methods_supported']).toContain('none');
    expect(body['revocation_endpoint_auth_methods_supported']).toContain('none');
    expect(body['introspection_endpoint_auth_methods_supported']).not.toContain('none');
    service.proxy = proxyWith({ requireClientSecret: false, managedFromThisPolicy: false });
    const ofCredentials = await metadata(service, '/credential/.well-known/oauth-authorization-server');
    expect(ofCredentials.body['token_endpoint_auth_methods_supported']).not.toContain('none');
  });

  it('is away until something is deployed, and needs a host to write', async () => {
    const service = new TokenService();
    service.proxy = undefined;
    expect(await metadata(service)).toMatchObject({ status: 503, headers: { 'access-control-allow-origin': '*' } });
    const nowhere = new TokenService();
    nowhere.publicOrigin = undefined;
    expect(await metadata(nowhere)).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('cannot be had with %s', async (method) => {
    const answer = answerOf(await new TokenService().send({ method, path: AUTH }));
    expect(answer).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
  });

  it('can be looked at with HEAD', async () => {
    expect((await new TokenService().send({ method: 'HEAD', path: AUTH, headers: [] })).status).toBe(200);
  });

  it.each([AUTH, '/auth/.well-known/jwks.json'])(
    'may be read by scripts of any origin, with any header: %s',
    async (path) => {
      const asked = ['Access-Control-Request-Method', 'GET', 'Access-Control-Request-Headers', 'x-trace'];
      const preflight = await new TokenService().send({
        method: 'OPTIONS',
        path,
        headers: ['Origin', 'https://a.example', ...asked],
      });
      expect(preflight.status).toBe(204);
      const headers = Object.fromEntries(preflight.headers);
      expect(headers).toMatchObject({ 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Headers': 'x-trace' });
    },
  );
});
