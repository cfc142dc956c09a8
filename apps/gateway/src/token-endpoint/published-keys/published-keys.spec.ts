import { jest } from '@jest/globals';
import { generateSigningKey, publicJwk, type JsonObject } from '#libs/jwt-engine';
import { proxyWith, TokenService } from '../testing/token-service.ts';

const AUTH = '/auth/.well-known/jwks.json';
const CREDENTIAL = '/credential/.well-known/jwks.json';

const [RSA, OTHER_RSA] = [generateSigningKey('RS256').jwk, generateSigningKey('RS256').jwk];
const EC = generateSigningKey('ES384').jwk;
const SECRET = generateSigningKey('HS256').jwk;

/** A proxy whose policy signs with the first of these keys and verifies with the others beside it. */
const proxyOf = ([signing = SECRET, ...verification]: readonly JsonObject[], policy: object = {}) =>
  proxyWith({ jwtSignatureAlgorithm: signing['alg'], ...policy }, {}, { signing, verification });

let versions = 0;
function serviceOf(...proxies: readonly ReturnType<typeof proxyOf>[]): TokenService {
  const service = new TokenService();
  service.live = { version: `version ${(versions += 1)}`, proxies: () => proxies };
  return service;
}
const keysAt = async (service: TokenService, path = AUTH): Promise<JsonObject[]> => {
  const { status, body } = await service.send({ method: 'GET', path });
  expect(status).toBe(200);
  return (JSON.parse(body) as { keys: JsonObject[] }).keys;
};
const keyIdOf = (jwk: JsonObject | undefined): string => jwk?.['kid'] as string;
const byKeyId = (...jwks: readonly JsonObject[]) =>
  jwks.map(publicJwk).sort((one, other) => (keyIdOf(one) < keyIdOf(other) ? -1 : 1));

describe('the key set of a gateway', () => {
  it('has what its policies sign with and what they verify with beside it, each key once, by kid', async () => {
    const service = serviceOf(proxyOf([RSA, OTHER_RSA]), proxyOf([OTHER_RSA, RSA]), proxyOf([EC]));
    expect(await keysAt(service)).toEqual(byKeyId(RSA, OTHER_RSA, EC));
  });

  it('has only what is public: no private member and no secret, whoever put it among the keys', async () => {
    const service = serviceOf(
      proxyOf([RSA, { ...OTHER_RSA, x5c: ['a'], note: 'b' }]),
      proxyOf([SECRET]),
      proxyOf([EC]),
    );
    const { body } = await service.send({ method: 'GET', path: AUTH });
    const members = (JSON.parse(body) as { keys: JsonObject[] }).keys.flatMap((jwk) => Object.keys(jwk));
    expect([...new Set(members)].sort()).toEqual(['alg', 'crv', 'e', 'kid', 'kty', 'n', 'use', 'x', 'y']);
    for (const jwk of [RSA, OTHER_RSA, EC]) expect(body).not.toContain(jwk['d']);
    expect(body).not.toContain(SECRET['k']);
    expect(body).not.toContain(SECRET['kid']);
  });

  it('of /auth is of policies with managedFromThisPolicy, that of /credential of the others', async () => {
    const service = serviceOf(proxyOf([RSA]), proxyOf([EC], { managedFromThisPolicy: false }));
    expect(await keysAt(service)).toEqual(byKeyId(RSA));
    expect(await keysAt(service, CREDENTIAL)).toEqual(byKeyId(EC));
  });

  it('has nothing of a policy that is not active', async () => {
    expect(await keysAt(serviceOf(proxyOf([RSA], { active: false })))).toEqual([]);
  });

  it('has no key of an algorithm that the policy does not take, nor a second one of a kid', async () => {
    const of512 = { ...OTHER_RSA, alg: 'RS512' };
    expect(await keysAt(serviceOf(proxyOf([RSA, of512])))).toEqual(byKeyId(RSA));
    expect(await keysAt(serviceOf(proxyOf([RSA, { ...OTHER_RSA, kid: RSA['kid'] ?? '' }])))).toEqual(byKeyId(RSA));
  });

  it('names no algorithm of a key that several are used with, and both keys that have one kid by chance', async () => {
    const [policy256, policy512] = [proxyOf([RSA]), proxyOf([{ ...RSA, alg: 'RS512' }])];
    const { alg: _alg, ...named } = publicJwk(RSA) ?? {};
    expect(await keysAt(serviceOf(policy256, policy512, policy256))).toEqual([named]);
    const sameName = { ...OTHER_RSA, kid: RSA['kid'] ?? '' };
    expect(await keysAt(serviceOf(proxyOf([RSA]), proxyOf([sameName])))).toHaveLength(2);
  });

  it('is of what is live now, and written once for it', async () => {
    const service = serviceOf(proxyOf([RSA]));
    await keysAt(service);
    const proxies = jest.fn(() => [proxyOf([EC])]);
    service.live = { version: service.live?.version ?? '', proxies };
    expect(await keysAt(service)).toEqual(byKeyId(RSA));
    service.live = { version: 'another', proxies };
    for (const path of [AUTH, CREDENTIAL, AUTH]) await service.send({ method: 'GET', path });
    expect(await keysAt(service)).toEqual(byKeyId(EC));
    expect(proxies).toHaveBeenCalledTimes(1);
  });
});

describe('GET …/.well-known/jwks.json', () => {
  it.each([AUTH, CREDENTIAL])('%s may be kept for five minutes, by everybody and every origin', async (path) => {
    for (const method of ['GET', 'HEAD']) {
      const { status, headers } = await serviceOf().send({ method, path });
      expect([status, Object.fromEntries(headers)]).toEqual([
        200,
        {
          'Content-Type': 'application/jwk-set+json',
          'Cache-Control': 'public, max-age=300',
          'Access-Control-Allow-Origin': '*',
        },
      ]);
    }
  });

  it('is a 503 that nobody keeps until there is a configuration; one without proxies is an empty set', async () => {
    const { status, headers } = await new TokenService().send({ method: 'GET', path: AUTH });
    expect([status, new Map(headers).get('Cache-Control'), new Map(headers).get('Retry-After')]).toEqual([
      ...[503, 'no-store', '1'],
    ]);
    expect(await keysAt(serviceOf())).toEqual([]);
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('is a 405 for %s, and no token request', async (method) => {
    const service = serviceOf();
    const { status, headers } = await service.send({ method, path: AUTH });
    expect([status, new Map(headers).get('Allow')]).toEqual([405, 'GET, HEAD']);
    await service.send({ method: 'GET', path: AUTH });
    expect(service.answered).toEqual([]);
  });

  it.each(['/auth/.well-known/jwks.json/', '/auth/.well-known', '/credential/.well-known/jwks'])(
    'is not at %s',
    async (path) => {
      expect((await serviceOf().send({ method: 'GET', path })).status).toBe(404);
    },
  );
});
