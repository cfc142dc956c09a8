import { GatewardenSystem, type ApiAnswer } from '../support/gatewarden-system.ts';
import { json } from '../support/token-client.ts';
import { authJwtPolicy, policyBody, proxyBody } from '../support/policies.ts';

const PROXIES = '/apiops/projects/demo/apiProxies';
const POLICY = `${PROXIES}/orders/policies/jwt-auth/`;

const fieldsOf = (answer: ApiAnswer): string[] =>
  (answer.body.validation_errors as { field: string }[]).map((fault) => fault.field).sort();

describe('bad input to apiops', () => {
  let system: GatewardenSystem;

  beforeAll(async () => {
    system = await GatewardenSystem.start(['production']);
    await system.api('POST', '/apiops/projects/', { name: 'demo' });
    await system.api('POST', `${PROXIES}/url/`, proxyBody('orders', '/orders', system.upstreamUrl, ['production']));
  }, 120_000);

  afterAll(async () => system.stop());

  /** Nothing is stored and nothing is deployed. */
  afterEach(async () => {
    const listed = await system.api('GET', `${PROXIES}/orders/policies/`);
    expect(listed.body.resultList[0].apiProxy.requestPolicyList).toEqual([]);
    const served = await json(await fetch(`${system.gateway('production').adminUrl}/config`));
    expect(served.proxies).toEqual([expect.objectContaining({ name: 'orders', revision: 1, deployment: 1 })]);
  });

  const post = (policy: object, metadata: Record<string, unknown> = {}) =>
    system.api('POST', POLICY, policyBody(policy, ['production'], metadata));

  const expectFaults = (answer: ApiAnswer, fields: readonly string[]) => {
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ success: false, status: 'FAILURE', error: 'validation_failed' });
    expect(fieldsOf(answer)).toEqual([...fields].sort());
    for (const fault of answer.body.validation_errors as Record<string, unknown>[]) {
      expect(fault).toEqual({ field: expect.any(String), code: expect.any(String), message: expect.any(String) });
    }
  };

  it('names every fault of a request at once, each with its path', async () => {
    const policy = { ...authJwtPolicy(), tokenExpiresInUnit: 'FORTNIGHTS', refreshTokenCount: 'five', surprise: 1 };
    const metadata = { targetPipeline: 'SIDEWAYS', deployTargetEnvironmentNameList: ['production', 'nowhere'] };
    expectFaults(await post(policy, metadata), [
      'operationMetadata.deployTargetEnvironmentNameList[1]',
      'operationMetadata.targetPipeline',
      'policy.refreshTokenCount',
      'policy.surprise',
      'policy.tokenExpiresInUnit',
    ]);
  });

  it('misses amount and unit of a token that expires', async () => {
    const { tokenExpiresInAmount: _amount, tokenExpiresInUnit: _unit, ...policy } = authJwtPolicy();
    expectFaults(await post(policy), ['policy.tokenExpiresInAmount', 'policy.tokenExpiresInUnit']);
  });

  it('refuses an unknown environment', async () => {
    const answer = await post(authJwtPolicy(), { deployTargetEnvironmentNameList: ['nowhere'] });
    expectFaults(answer, ['operationMetadata.deployTargetEnvironmentNameList[0]']);
  });

  it('lists the known types when it refuses an unknown policy type', async () => {
    const answer = await post({ type: 'policy-quota' });
    expectFaults(answer, ['policy.type']);
    expect(answer.body.validation_errors[0].message).toContain('policy-auth-jwt, policy-verify-jwt');
  });

  it('lists the allowed values when it refuses another', async () => {
    const answer = await post(authJwtPolicy({ jwtSignatureAlgorithm: 'none' }));
    expectFaults(answer, ['policy.jwtSignatureAlgorithm']);
    expect(answer.body.validation_errors[0].message).toContain('HS256, HS384, HS512, RS256');
  });

  it('refuses a condition that gateways could not run', async () => {
    expectFaults(await post(authJwtPolicy({ condition: 'request.verb = (' })), ['policy.condition']);
  });

  it('refuses bytes that are not JSON', async () => {
    const answer = await system.api('POST', POLICY, '{"policy": {');
    expect(answer).toMatchObject({ status: 400, body: { success: false, error: 'bad_request' } });
  });

  it('refuses a body that is not JSON by its own account', async () => {
    const answer = await system.api('POST', POLICY, 'policy', { 'content-type': 'text/plain' });
    expect(answer).toMatchObject({ status: 415, body: { success: false, status: 'FAILURE' } });
  });

  it('refuses who brings no bearer token, or a wrong one', async () => {
    for (const authorization of ['', 'Bearer wrong', 'Basic YTpi']) {
      const answer = await system.api('POST', POLICY, policyBody(authJwtPolicy(), []), { authorization });
      expect(answer).toMatchObject({ status: 401, body: { success: false, error: 'unauthorized_client' } });
    }
  });

  it('answers 404 for what is not there, naming it', async () => {
    const answer = await system.api('GET', '/apiops/projects/nowhere/apiProxies/orders/policies/');
    expect(answer).toMatchObject({ status: 404, body: { error: 'not_found' } });
    expect(answer.body.error_description).toContain('nowhere');
  });

  it('answers 409 for a name that is taken', async () => {
    const answer = await system.api('POST', '/apiops/projects/', { name: 'demo' });
    expect(answer).toMatchObject({ status: 409, body: { error: 'conflict' } });
  });
});
