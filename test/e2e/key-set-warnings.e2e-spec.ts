import { freePortsInARow } from '#libs/program-shell/testing';
import { GatewardenSystem } from '../support/gatewarden-system.ts';
import { policyBody, proxyBody } from '../support/policies.ts';
import { until } from '../support/until.ts';

const PROXY = '/apiops/projects/demo/apiProxies';

describe('a policy whose key set nobody serves yet', () => {
  let system: GatewardenSystem;
  let port = 0;

  beforeAll(async () => {
    [port = 0] = await freePortsInARow(1);
    const gatewaySettings = { JWKS_ALLOW_PRIVATE_HOSTS: 'true' };
    system = await GatewardenSystem.start(['production'], { gatewaysEach: 2, deployers: 0, gatewaySettings });
    await system.api('POST', '/apiops/projects/', { name: 'demo' });
    await system.api('POST', `${PROXY}/url/`, proxyBody('orders', '/orders', system.upstreamUrl));
  }, 120_000);
  afterAll(() => system.stop());

  const resultNow = async (id: string) =>
    (await system.api('GET', `/apiops/deployments/${id}/`)).body.resultList[0].deploymentResult.deploymentResults[0];

  it('is deployed with success, and every gateway warns of it', async () => {
    const shown = `http://127.0.0.1:${port}/keys`;
    const publicKey = { jwks: { uri: `${shown}?code=secret` } };
    const policy = policyBody({ type: 'policy-verify-jwt', algorithm: ['ES256'], publicKey }, ['production']);
    const added = await system.api('POST', `${PROXY}/orders/policies/check/`, policy);
    expect(added.body).toMatchObject({ success: true, deploymentResult: { success: true } });
    const [result] = added.body.deploymentResult.deploymentResults;
    expect(result).toMatchObject({ message: 'Deployment successful', gateways: { live: 2, applied: 2 } });
    // The gateways answer at once: who asks again is told how the first fetch ended.
    const failed = await until('both gateways have failed to fetch it', async () => {
      const now = await resultNow(result.deploymentId);
      return now.warnings.length === 2 && now.warnings.every((one: { state: string }) => one.state === 'failed') && now;
    });
    expect(failed.warnings[0]).toMatchObject({ address: shown, reason: 'unreachable ECONNREFUSED' });
    expect(failed.detailList[0]).toMatchObject({
      ...{ success: true, detail: `applied; the key set ${shown} cannot be fetched (unreachable ECONNREFUSED)` },
    });
  }, 120_000);
});
