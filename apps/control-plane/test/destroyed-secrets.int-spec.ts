import { credentialBody, policyBody, proxyBody, verificationBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';

const P = '/projects/shop';
const X = `${P}/apiProxies/orders`;

let plane: RunningControlPlane;
afterAll(() => plane.close());

/** Every event as it lies in the database, by its id. */
async function eventTexts(): Promise<Map<string, string>> {
  const found = await plane.pool.query<{ id: string; text: string }>(
    'select event_id as id, row::text as text from events row order by sequence',
  );
  return new Map(found.rows.map(({ id, text }) => [id, text]));
}

/** Secrets that something named once, and that are still there. */
async function secretsKept(): Promise<{ purpose: string; isNamed: boolean }[]> {
  const found = await plane.pool.query<{ purpose: string; isNamed: boolean }>(
    `select purpose, exists (select 1 from events where data::text like '%' || secret_id || '%') as "isNamed"
     from secrets order by purpose`,
  );
  return found.rows;
}

describe('secrets that were replaced or belonged to what is gone', () => {
  it('are destroyed, all of them and no others, and history stays readable and as it was', async () => {
    plane = await RunningControlPlane.start({ deployTimeoutMs: 3_000 });
    await plane.done('POST', '/projects/', { name: 'shop' });
    const environment = await plane.environment();
    const to = { deploy: true, deployTargetEnvironmentNameList: [environment.name] };
    const secret = (globalValue: string) => ({ global: true, globalValue });
    await plane.done('POST', `${P}/environmentVariables/private.key/`, secret('one'));
    await plane.done('POST', `${P}/apiProxies/url/`, proxyBody('orders'));
    await plane.done('POST', `${P}/jwks/generate`, { name: 'signing', type: 'EC', ec: { curveType: 'P256' } });
    const signed = policyBody(to, { jwtSignatureAlgorithm: 'ES256', keyStoreName: 'signing' });
    await plane.done('POST', `${X}/policies/issue/`, signed);
    await plane.done('POST', `${X}/policies/check/`, verificationBody(to, 'private.key'));
    await plane.done('POST', `${P}/credentials/`, credentialBody('ada', 'a first password'));
    const before = await eventTexts();

    await plane.done('PUT', `${P}/environmentVariables/private.key/`, secret('two'));
    await plane.done('PATCH', `${X}/settings/keys/`, { secretKey: 'another-secret-key' });
    await plane.done('PATCH', `${P}/credentials/ada/`, { password: 'a second password' });
    await plane.done('POST', `${P}/jwks/signing/rotate/`, { retirePrevious: true });
    await plane.done('POST', `/environments/${environment.name}/keys/`);
    const keyId = environment.gatewayKey.split('_')[1] ?? '';
    await plane.done('DELETE', `/environments/${environment.name}/keys/${keyId}/`);
    const kept = await secretsKept();
    expect(kept.map(({ purpose }) => purpose)).toEqual([
      ...['key-ring-entry', 'key-store', 'password', 'proxy-key', 'root-key', 'variable'],
    ]);
    expect(kept.every(({ isNamed }) => isNamed)).toBe(true);

    expect((await plane.done('GET', `${X}/events/`)).resultList).toHaveLength(4);
    expect((await plane.done('GET', `${X}/diff/?from=1&to=3`)).resultList).toHaveLength(2);
    const { resultList } = await plane.done('GET', `${X}/revisions/2/`);
    expect(resultList).toMatchObject([{ policyList: [{ policy: { name: 'issue' } }] }]);
    const back = await plane.done('POST', `${X}/revisions/3/rollback/`, to);
    expect(back.deploymentResult).toMatchObject({ success: true });

    await plane.done('DELETE', `${X}/`);
    await plane.done('DELETE', `${P}/environmentVariables/private.key/`);
    await plane.done('DELETE', `${P}/credentials/ada/`);
    await plane.done('DELETE', `${P}/jwks/signing/`);
    await plane.done('DELETE', `/environments/${environment.name}/`);
    expect(await secretsKept()).toEqual([]);
    const after = await eventTexts();
    for (const [id, text] of before) expect(after.get(id)).toBe(text);
  });
});
