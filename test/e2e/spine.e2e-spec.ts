import { generateKeyPair, exportSPKI, SignJWT, decodeJwt, decodeProtectedHeader } from 'jose';
import { GatewardenSystem } from '../support/gatewarden-system.ts';
import { authJwtPolicy, policyBody, proxyBody } from '../support/policies.ts';
import { call, json, requestToken } from '../support/token-client.ts';
import { until } from '../support/until.ts';

const PROXIES = '/apiops/projects/demo/apiProxies';
const BOTH = ['staging', 'production'];

describe('a policy posted to apiops, enforced by the gateways of two environments', () => {
  let system: GatewardenSystem;
  let keys: { publicKey: string; secretKey: string };
  const alice = { username: 'alice', password: 'a password of alice' };

  const login = (environment: string, changes: Record<string, string> = {}) =>
    requestToken(system.gateway(environment).url, {
      grant_type: 'password',
      client_id: keys.publicKey,
      client_secret: keys.secretKey,
      ...alice,
      ...changes,
    });

  beforeAll(async () => {
    system = await GatewardenSystem.start(BOTH);
    await system.api('POST', '/apiops/projects/', { name: 'demo' });
    const created = await system.api('POST', `${PROXIES}/url/`, proxyBody('orders', '/orders', system.upstreamUrl));
    keys = created.body.resultList[0];
    await system.api('POST', '/apiops/projects/demo/credentials/', {
      ...alice,
      email: 'alice@example.org',
      fullName: 'Alice',
      roleNameList: ['reader'],
    });
  }, 120_000);

  afterAll(async () => system.stop());

  it('is acknowledged by every gateway of every environment it is deployed to', async () => {
    const body = policyBody(authJwtPolicy(), BOTH);
    const added = await system.api('POST', `${PROXIES}/orders/policies/jwt-auth/`, body);
    expect(added.status).toBe(200);
    expect(added.body.deploymentResult).toMatchObject({ success: true });
    for (const environmentName of BOTH) {
      expect(added.body.deploymentResult.deploymentResults).toContainEqual(
        expect.objectContaining({
          environmentName,
          success: true,
          message: 'Deployment successful',
          revision: 2,
          gateways: { live: 2, applied: 2, rejected: 0, pending: 0 },
        }),
      );
    }
  });

  it('lets a token that was issued under the policy through to the upstream, on each gateway of the environment', async () => {
    const issued = await login('production');
    expect(issued.status).toBe(200);
    expect(issued.body).toMatchObject({ token_type: 'Bearer', expires_in: 3600, scope: 'reader' });
    expect(decodeProtectedHeader(issued.body.access_token)).toMatchObject({ alg: 'HS256', typ: 'at+jwt' });
    expect(decodeJwt(issued.body.access_token)).toMatchObject({
      iss: 'https://gatewarden/production',
      aud: 'urn:gatewarden:demo/orders',
      sub: 'alice',
      client_id: keys.publicKey,
    });
    for (const gateway of system.environment('production').gateways) {
      const answer = await call(`${gateway.url}/orders/7?x=1`, issued.body.access_token);
      expect(answer.status).toBe(200);
      expect(await answer.json()).toMatchObject({ method: 'GET', url: '/7?x=1' });
    }
  });

  it('keeps the upstream from seeing a request with a bad token, without one, or with one of the other environment', async () => {
    const other = await login('staging');
    const seenBefore = system.upstream.seen.length;
    for (const token of [undefined, 'nonsense', other.body.access_token as string]) {
      const answer = await call(`${system.gateway('production').url}/orders/1`, token);
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
      expect(answer.headers.get('apinizer-correlation-id')).toBeTruthy();
      expect((await json(answer)).fault).toMatchObject({ faultCode: 'ERR-044', faultStatusCode: '401' });
    }
    expect(system.upstream.seen.length).toBe(seenBefore);
  });

  it('refuses a wrong password and a wrong client secret in the words of RFC 6749', async () => {
    expect(await login('production', { password: 'wrong' })).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
    expect(await login('production', { client_secret: 'wrong' })).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    });
  });

  it('refreshes once with each refresh token, on whichever gateway, and ends the family when one is used again', async () => {
    const { refresh_token: first } = (await login('production')).body;
    const refresh = (token: string, index: number) =>
      requestToken(system.gateway('production', index).url, {
        grant_type: 'refresh_token',
        refresh_token: token,
        client_id: keys.publicKey,
        client_secret: keys.secretKey,
      });
    const second = await refresh(first as string, 1);
    expect(second.status).toBe(200);
    const third = await refresh(second.body.refresh_token as string, 0);
    expect(third.status).toBe(200);
    expect(await refresh(first as string, 0)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect(await refresh(third.body.refresh_token as string, 1)).toMatchObject({ body: { error: 'invalid_grant' } });
  });

  it('takes a changed policy up without restarting anything', async () => {
    const body = policyBody(
      authJwtPolicy({ tokenExpiresInAmount: 5, tokenExpiresInUnit: 'MINUTES', jwtSignatureAlgorithm: 'RS256' }),
      [],
    );
    const old = await login('production');
    const changed = await system.api('PUT', `${PROXIES}/orders/policies/jwt-auth/`, body);
    expect(changed.body.deploymentResult.success).toBe(true);
    const issued = await login('production');
    expect(issued.body.expires_in).toBe(300);
    expect(decodeProtectedHeader(issued.body.access_token).alg).toBe('RS256');
    const url = `${system.gateway('production').url}/orders/2`;
    expect((await call(url, issued.body.access_token)).status).toBe(200);
    expect((await call(url, old.body.access_token)).status).toBe(401);
  });

  it('verifies tokens of somebody else with policy-verify-jwt, and hands claims to the upstream', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const policy = {
      type: 'policy-verify-jwt',
      algorithm: ['ES256'],
      publicKey: { value: await exportSPKI(publicKey) },
      issuer: 'https://partner.example',
      audience: { ref: 'private.audience' },
      forwardVariables: [{ variable: 'jwt.verify-partner.decoded.claim.sub', header: 'X-Partner' }],
    };
    const variable = { global: true, globalValue: 'orders-api' };
    await system.api('POST', '/apiops/projects/demo/environmentVariables/private.audience/', variable);
    await system.api('POST', `${PROXIES}/url/`, proxyBody('partners', '/partners', system.upstreamUrl));
    const added = await system.api('POST', `${PROXIES}/partners/policies/verify-partner/`, policyBody(policy, BOTH));
    expect(added.body.deploymentResult).toMatchObject({ success: true });
    const token = (audience: string) =>
      new SignJWT({})
        .setProtectedHeader({ alg: 'ES256' })
        .setSubject('partner-7')
        .setIssuer('https://partner.example')
        .setAudience(audience)
        .setExpirationTime('5m')
        .sign(privateKey);
    const url = `${system.gateway('staging').url}/partners/hello`;
    const passed = await call(url, await token('orders-api'));
    expect(passed.status).toBe(200);
    expect((await json(passed)).headers['x-partner']).toBe('partner-7');
    const refused = await call(url, await token('another-api'));
    expect(refused.status).toBe(401);
    expect((await json(refused)).fault.detail.errorcode).toBe('steps.jwt.JwtAudienceMismatch');
  });

  it('deploys a changed environment variable to the proxies that use it, and to no others', async () => {
    const content = { environmentValueList: [{ environmentName: 'staging', value: 'another-api' }] };
    const changed = await system.api('PUT', '/apiops/projects/demo/environmentVariables/private.audience/', content);
    expect(changed.status).toBe(200);
    const results = changed.body.deploymentResult.deploymentResults as { environmentName: string; success: boolean }[];
    expect(results.map((result) => [result.environmentName, result.success]).sort()).toEqual([
      ['production', true],
      ['staging', true],
    ]);
    const served = await json(await fetch(`${system.gateway('staging').adminUrl}/config`));
    const proxies = served.proxies as { name: string; deployment: number }[];
    const deployment = (name: string) => proxies.find((proxy) => proxy.name === name)?.deployment ?? 0;
    expect(deployment('partners')).toBeGreaterThan(deployment('orders'));
  });

  it('logs a new user in without a deployment', async () => {
    const bob = { username: 'bob', password: 'a password of bob' };
    await system.api('POST', '/apiops/projects/demo/credentials/', {
      ...bob,
      email: 'bob@example.org',
      fullName: 'Bob',
    });
    await until('bob can log in', async () => (await login('production', bob)).status === 200);
  });

  it('takes a proxy away from the gateways when it is deleted', async () => {
    const removed = await system.api('DELETE', `${PROXIES}/partners/`);
    expect(removed.body.deploymentResult).toMatchObject({ success: true });
    for (const gateway of system.allGateways) expect((await call(`${gateway.url}/partners/x`)).status).toBe(404);
  });

  it('shows no secret in what the programs print', () => {
    const printed = [system.controlPlane, ...system.allGateways.map((gateway) => gateway.program)]
      .map((program) => program.output)
      .join('\n');
    for (const secret of [
      keys.secretKey,
      alice.password,
      system.adminToken,
      system.environment('staging').gatewayKey,
    ]) {
      expect(printed).not.toContain(secret);
    }
  });
});
