import { FakeGateway } from './testing/fake-gateway.ts';
import { METADATA, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';

const P = '/projects/shop';
const HS256 = { algorithm: 'HS256', secretKey: { ref: 'private.shared' } };
const map = (value: string) => [{ name: 'm', type: 'map', value }];

/** One policy for each way to name a variable, and the variable that it names. */
const WAYS: readonly (readonly [way: string, variable: string, policy: object])[] = [
  ['privateKey.ref', 'private.one', { algorithms: { key: 'ECDH-ES' }, privateKey: { ref: 'private.one' } }],
  [
    ...(['privateKey.passwordRef', 'private.two'] as const),
    { algorithms: { key: 'ECDH-ES' }, privateKey: { ref: 'private.other', passwordRef: 'private.two' } },
  ],
  [
    ...(['passwordKey.ref', 'private.three'] as const),
    { algorithms: { key: 'PBES2-HS256+A128KW' }, passwordKey: { ref: 'private.three' } },
  ],
  ['directKey.ref', 'private.four', { algorithms: { key: 'dir' }, directKey: { ref: 'private.four' } }],
  ['publicKey.jwks.uriRef', 'public.five', { algorithm: 'RS256', publicKey: { jwks: { uriRef: 'public.five' } } }],
  ['a claim’s map', 'public.six', { ...HS256, additionalClaims: map('{"a":"{public.six}"}') }],
  ['a header’s map', 'public.seven', { ...HS256, additionalHeaders: map('{"a":"{escapeJSON(public.seven)}"}') }],
  ['condition', 'public.eight', { ...HS256, condition: 'public.eight = "on"' }],
  ['audience.ref', 'public.nine', { ...HS256, audience: { ref: 'public.nine', value: 'x' } }],
];

let plane: RunningControlPlane;
let environment: Awaited<ReturnType<RunningControlPlane['environment']>>;

beforeAll(async () => {
  plane = await RunningControlPlane.start();
  environment = await plane.environment();
  await plane.done('POST', '/projects/', { name: 'shop' });
});
afterAll(() => plane.close());

async function proxyId(name: string): Promise<string> {
  const found = await plane.pool.query<{ entity_id: string }>(
    `select entity_id from names where kind = 'api-proxy' and name = $1`,
    [name],
  );
  return found.rows[0]?.entity_id ?? '';
}

describe('an environment variable that a policy-verify-jwt names', () => {
  it.each(WAYS)('in %s is in the artifact, and a change of it deploys the proxy', async (_way, variable, members) => {
    const name = `proxy-${variable}`;
    const put = (method: 'POST' | 'PUT', globalValue: string) =>
      plane.done(method, `${P}/environmentVariables/${variable}/`, { global: true, globalValue });
    await put('POST', 'https://first.example');
    await plane.done('POST', `${P}/apiProxies/url/`, proxyBody(name));
    const operationMetadata = { ...METADATA, deploy: true, deployTargetEnvironmentNameList: [environment.name] };
    const policy = { type: 'policy-verify-jwt', ...members };
    await plane.done('POST', `${P}/apiProxies/${name}/policies/check/`, { operationMetadata, policy });
    const gateway = await FakeGateway.admitted(plane.redis, environment);
    const artifact = async () => gateway.artifactOf(await proxyId(name));
    expect((await artifact())?.text).toContain('https://first.example');
    const { deploymentResult } = await put('PUT', 'https://second.example');
    expect(deploymentResult.deploymentResults).toMatchObject([{ environmentName: environment.name, success: true }]);
    expect((await artifact())?.text).toContain('https://second.example');
  });
});
