import { GatewardenSystem } from '../support/gatewarden-system.ts';
import { IdentityProvider, providerKey, signedBy, type ProviderKey } from '../support/identity-provider.ts';
import { authJwtPolicy, policyBody, proxyBody } from '../support/policies.ts';
import { call, json } from '../support/token-client.ts';
import { TokenTraffic } from '../support/token-traffic.ts';
import { until } from '../support/until.ts';

const DEMO = '/apiops/projects/demo';
const PROXIES = `${DEMO}/apiProxies`;
const ENVIRONMENTS = ['production'];
const TOKEN_LIFE_SECONDS = 5;
/** Longer than gateways and deployers take for two deployments: else nobody would miss the wait between them. */
const PUBLISH_SECONDS = 10;
const PASSED = [200, 200];

describe('keys that are rotated while they are used, from apiops to the clients of two gateways', () => {
  let system: GatewardenSystem;
  let grant: Readonly<Record<string, string>>;
  const provider = new IdentityProvider();
  let address: string;

  const gatewayUrls = (): string[] => system.environment('production').gateways.map(({ url }) => url);
  const statuses = (path: string, token: string): Promise<number[]> =>
    Promise.all(gatewayUrls().map(async (url) => (await call(url + path, token)).status));

  beforeAll(async () => {
    address = await provider.listen();
    const gatewaySettings = { JWKS_ALLOW_PRIVATE_HOSTS: 'true' };
    system = await GatewardenSystem.start(ENVIRONMENTS, { gatewaysEach: 2, deployers: 0, gatewaySettings });
    await system.api('POST', '/apiops/projects/', { name: 'demo' });
    const created = await system.api('POST', `${PROXIES}/url/`, proxyBody('orders', '/orders', system.upstreamUrl));
    const { publicKey, secretKey } = created.body.resultList[0];
    grant = { grant_type: 'client_credentials', client_id: publicKey, client_secret: secretKey };
  }, 120_000);

  afterAll(async () => {
    await system.stop();
    await provider.close();
  });

  describe("the gateways' own", () => {
    const publishedKeyIds = async (): Promise<readonly string[]> => {
      const { keys } = await json(await call(`${gatewayUrls()[0]}/auth/.well-known/jwks.json`));
      return keys.map(({ kid }: { kid: string }) => kid);
    };
    /** Reads the stream of the rotation until the control plane ends it. */
    async function untilOver(): Promise<any> {
      const headers = { authorization: `Bearer ${system.adminToken}` };
      const stream = await fetch(`${system.controlPlaneUrl}${DEMO}/jwks/signing/rotate/stream`, { headers });
      const events = (await stream.text()).split('\n\n');
      const settled = events.find((event) => event.startsWith('event: settled'));
      return JSON.parse(settled?.slice(settled.indexOf('{')) ?? '{}');
    }

    beforeAll(async () => {
      const key = { name: 'signing', type: 'EC', kid: 'first', ec: { curveType: 'P256', algorithm: 'ES256' } };
      const made = await system.api('POST', `${DEMO}/jwks/generate`, key);
      expect(made.status).toBe(200);
      const policy = authJwtPolicy({
        ...{ grantType: 'CLIENT_CREDENTIALS', jwtSignatureAlgorithm: 'ES256', keyStoreName: 'signing' },
        ...{ tokenExpiresInAmount: TOKEN_LIFE_SECONDS, refreshTokenAllowed: false },
      });
      const added = await system.api('POST', `${PROXIES}/orders/policies/jwt-auth/`, policyBody(policy, ENVIRONMENTS));
      expect(added.body.deploymentResult).toMatchObject({ success: true });
    });

    it('refuse no token that they signed, at either gateway or with who keeps their key set, from beginning to end', async () => {
      expect(await publishedKeyIds()).toEqual(['first']);
      const keySetCachedMs = (PUBLISH_SECONDS - 1) * 1_000;
      const wishes = { gatewayUrls: gatewayUrls(), apiPath: '/orders/7', grant, keySetCachedMs };
      const traffic = await TokenTraffic.start(wishes);
      const begun = await system.api('POST', `${DEMO}/jwks/signing/rotate/`, {
        ...{ kid: 'second', publishForSeconds: PUBLISH_SECONDS },
      });
      expect([begun.status, begun.body.deploymentResult?.success]).toEqual([200, true]);
      const rotation = await untilOver();
      await traffic.stop();
      expect(traffic.refusals).toEqual([]);
      expect([...traffic.tokensByKey.keys()]).toEqual(['first', 'second']);
      expect(rotation).toMatchObject({ stage: 'finished', longestTokenLifeSeconds: TOKEN_LIFE_SECONDS });
      expect(rotation.stepList.map(({ step }: { step: string }) => step)).toEqual([
        ...['started', 'published', 'switched', 'acknowledged', 'finished'],
      ]);
      // The rotation is over when the removal is recorded; gateways follow.
      await until('the old key is published no more', async () => (await publishedKeyIds()).join() === 'second');
    }, 180_000);
  });

  describe('those of an identity provider', () => {
    let [leaked, next]: ProviderKey[] = [];
    const order = async (method: string, path: string, body?: unknown) => {
      const { status, body: answer } = await system.api(method, `/apiops/environments/production/jwks/${path}`, body);
      expect([status, answer.resultList[0]]).toMatchObject([200, { success: true, gateways: { live: 2, obeying: 2 } }]);
    };
    const errorCodes = (token: string): Promise<string[]> =>
      Promise.all(
        gatewayUrls().map(async (url) => (await json(await call(`${url}/partner/7`, token))).fault.detail.errorcode),
      );

    beforeAll(async () => {
      [leaked, next] = [await providerKey('leaked'), await providerKey('next')];
      provider.keys = [leaked.jwk];
      await system.api('POST', `${PROXIES}/url/`, proxyBody('partner', '/partner', system.upstreamUrl));
      const policy = { type: 'policy-verify-jwt', algorithm: 'ES256', publicKey: { jwks: { uri: address } } };
      const added = await system.api('POST', `${PROXIES}/partner/policies/idp/`, policyBody(policy, ENVIRONMENTS));
      expect(added.body.deploymentResult).toMatchObject({ success: true });
    });

    it('cost one fetch for both gateways, before the first token and when a token names a new one', async () => {
      expect(await statuses('/partner/7', await signedBy(leaked as ProviderKey))).toEqual(PASSED);
      expect(provider.fetches).toBe(1);
      provider.keys = [(leaked as ProviderKey).jwk, (next as ProviderKey).jwk];
      expect(await statuses('/partner/7', await signedBy(next as ProviderKey))).toEqual(PASSED);
      expect(provider.fetches).toBe(2);
    });

    it('are refused at every gateway once a denial was answered, whatever the provider says, and until it is lifted', async () => {
      const token = await signedBy(leaked as ProviderKey);
      await order('POST', 'deny/', { uri: address, kid: 'leaked' });
      const refused = 'steps.jwt.NoMatchingPublicKey';
      expect(await errorCodes(token)).toEqual([refused, refused]);
      expect(await statuses('/partner/7', await signedBy(next as ProviderKey))).toEqual(PASSED);
      const key = new URLSearchParams({ uri: address, kid: 'leaked' });
      await order('DELETE', `deny/?${key.toString()}`);
      expect(await statuses('/partner/7', token)).toEqual(PASSED);
      expect(provider.fetches).toBe(2);
    });

    it('are gone from every gateway once a flush was answered, which costs one fetch', async () => {
      provider.keys = [(next as ProviderKey).jwk];
      const token = await signedBy(leaked as ProviderKey);
      expect(await statuses('/partner/7', token)).toEqual(PASSED);
      const before = provider.fetches;
      await order('POST', 'flush/', { uri: address });
      expect(await statuses('/partner/7', await signedBy(next as ProviderKey))).toEqual(PASSED);
      expect(provider.fetches - before).toBe(1);
      expect(await statuses('/partner/7', token)).toEqual([401, 401]);
    });
  });
});
