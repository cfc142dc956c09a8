import { EncryptJWT, exportPKCS8, generateKeyPair } from 'jose';
import { GatewardenSystem } from '../support/gatewarden-system.ts';
import { IdentityProvider, providerKey, signedBy } from '../support/identity-provider.ts';
import { policyBody, proxyBody } from '../support/policies.ts';
import { call, json } from '../support/token-client.ts';

const PROXIES = '/apiops/projects/demo/apiProxies';
const ENVIRONMENTS = ['production'];
const XML = { 'content-type': 'application/xml' };
const PLACE = '?targetScope=ALL&targetPipeline=REQUEST&deployTargetEnvironmentNameList=production';

/** The seed's own sample for encrypted tokens; the token comes as a bearer. */
const ENCRYPTED = `<VerifyJWT name="vjwt-1">
  <Algorithms>
    <Key>RSA-OAEP-256</Key>
    <Content>A128GCM</Content>
  </Algorithms>
  <Type>Encrypted</Type>
  <PrivateKey>
    <Value ref="private.rsa_privatekey"/>
  </PrivateKey>
  <Subject>subject@example.com</Subject>
  <Issuer>urn://apigee</Issuer>
  <AdditionalHeaders>
    <Claim name="moniker">Harvey</Claim>
  </AdditionalHeaders>
  <TimeAllowance>30s</TimeAllowance>
</VerifyJWT>`;

describe('VerifyJWT policies as Apigee writes them, from apiops to a gateway', () => {
  const provider = new IdentityProvider();
  let system: GatewardenSystem;
  let address: string;
  let rsa: Awaited<ReturnType<typeof generateKeyPair>>;

  async function proxyWith(name: string, policyName: string, xml: string): Promise<void> {
    await system.api('POST', `${PROXIES}/url/`, proxyBody(name, `/${name}`, system.upstreamUrl));
    const added = await system.api('POST', `${PROXIES}/${name}/policies/${policyName}/${PLACE}`, xml, XML);
    expect([added.status, added.body.deploymentResult?.success, added.body.validation_errors]).toEqual([
      ...[200, true, undefined],
    ]);
  }
  const ask = (path: string, token: string) => call(`${system.gateway('production').url}${path}`, token);
  const refusalOf = async (answer: Response): Promise<unknown> => (await json(answer)).fault.detail.errorcode;

  beforeAll(async () => {
    address = await provider.listen();
    const gatewaySettings = { JWKS_ALLOW_PRIVATE_HOSTS: 'true' };
    system = await GatewardenSystem.start(ENVIRONMENTS, { gatewaysEach: 1, deployers: 0, gatewaySettings });
    await system.api('POST', '/apiops/projects/', { name: 'demo' });
    rsa = await generateKeyPair('RSA-OAEP-256', { extractable: true });
    const name = 'private.rsa_privatekey';
    const value = await exportPKCS8(rsa.privateKey);
    const variable = { name, description: '', global: true, globalValue: value, globalVisible: false };
    const stored = await system.api('POST', `/apiops/projects/demo/environmentVariables/${name}/`, {
      ...{ ...variable, environmentValueList: [] },
    });
    expect(stored.status).toBe(200);
  }, 120_000);

  afterAll(async () => {
    await system.stop();
    await provider.close();
  });

  const encrypted = (header: Record<string, unknown> = {}, claims: Record<string, unknown> = {}): Promise<string> =>
    new EncryptJWT({ sub: 'subject@example.com', iss: 'urn://apigee', role: 'reader', ...claims })
      .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A128GCM', moniker: 'Harvey', ...header })
      .setExpirationTime('5m')
      .encrypt(rsa.publicKey);

  it('decrypts a token and checks its claims and headers', async () => {
    await proxyWith('sealed', 'vjwt-1', ENCRYPTED);
    expect((await ask('/sealed/7', await encrypted())).status).toBe(200);
    const wrong = await Promise.all([
      encrypted({ moniker: 'Jim' }),
      encrypted({ enc: 'A256GCM' }),
      encrypted({}, { iss: 'urn://other' }),
      encrypted().then((token) => `${token.slice(0, -4)}AAAA`),
    ]);
    const refusals = [];
    for (const token of wrong) refusals.push(await refusalOf(await ask('/sealed/7', token)));
    expect(refusals).toEqual([
      'steps.jwt.InvalidClaim',
      'steps.jwt.AlgorithmMismatch',
      'steps.jwt.JwtIssuerMismatch',
      'steps.jwt.InvalidToken',
    ]);
  });

  it('lets a later policy decide on what was found in the token', async () => {
    const policy = {
      type: 'policy-raise-fault',
      condition: 'jwt.vjwt-1.decoded.claim.role != "admin"',
      ...{ statusCode: 403, contentType: 'application/json', payload: '{"not for":"{jwt.vjwt-1.claim.role}"}' },
    };
    const added = await system.api('POST', `${PROXIES}/sealed/policies/admins-only/`, policyBody(policy, ENVIRONMENTS));
    expect(added.body.deploymentResult).toMatchObject({ success: true });
    const reader = await ask('/sealed/7', await encrypted());
    expect([reader.status, await json(reader)]).toEqual([403, { 'not for': 'reader' }]);
    expect((await ask('/sealed/7', await encrypted({}, { role: 'admin' }))).status).toBe(200);
  });

  it('takes its keys from an identity provider, and new ones as soon as a token names one', async () => {
    const [first, second, strange] = [await providerKey('k1'), await providerKey('k2'), await providerKey('k3')];
    provider.keys = [first.jwk];
    await proxyWith(
      'signed',
      'from-idp',
      `<VerifyJWT name="from-idp">
        <Algorithm>ES256</Algorithm>
        <PublicKey><JWKS uri="${address}"/></PublicKey>
        <Issuer>https://idp.example</Issuer>
      </VerifyJWT>`,
    );
    expect((await ask('/signed/7', await signedBy(first))).status).toBe(200);
    expect((await ask('/signed/7', await signedBy(first))).status).toBe(200);
    expect(provider.fetches).toBe(1);

    provider.keys = [second.jwk];
    expect((await ask('/signed/7', await signedBy(second))).status).toBe(200);
    expect(provider.fetches).toBe(2);
    expect(await refusalOf(await ask('/signed/7', await signedBy(strange)))).toBe('steps.jwt.NoMatchingPublicKey');
    const forged = await signedBy({ ...strange, jwk: { ...strange.jwk, kid: 'k2' } });
    expect(await refusalOf(await ask('/signed/7', forged))).toBe('steps.jwt.InvalidToken');
    expect(provider.fetches).toBe(2);
  });

  it('prints neither a private key nor a token', () => {
    const programs = [system.controlPlane, ...system.allGateways.map(({ program }) => program)];
    for (const { output } of programs) {
      expect(output).not.toBe('');
      // Every header begins so.
      for (const secret of ['PRIVATE KEY', 'eyJhbGciOi']) expect(output).not.toContain(secret);
    }
  });
});
