import { generateKeyPairSync } from 'node:crypto';
import { importJWK, jwtVerify } from 'jose';
import { parseProxyArtifact, type ProxyArtifact } from '#libs/policy-contracts';
import { Exchange, linkProxy, type LinkedProxy } from '#libs/policy-runtime';
import { DeploymentRelay } from '../src/deployment-requests/deployment-relay.ts';
import { requestDeployments } from '../src/deployment-requests/deployment-requests.ts';
import { resolveApiProxy } from '../src/persistence/project-scope.ts';
import { ownContext, UnitOfWork } from '../src/persistence/unit-of-work.ts';
import { FakeGateway } from './testing/fake-gateway.ts';
import { policyBody, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';
import { until } from './testing/test-servers.ts';

const JWKS = '/projects/shop/jwks';
const NOW_MS = Date.UTC(2031, 1, 3);

type Environment = Awaited<ReturnType<RunningControlPlane['environment']>>;
type Answer = Awaited<ReturnType<RunningControlPlane['done']>>;

let plane: RunningControlPlane;
let east: Environment;
let west: Environment;
const gateways = new Map<string, FakeGateway>();

beforeAll(async () => {
  plane = await RunningControlPlane.start();
  [east, west] = [await plane.environment(), await plane.environment()];
  await plane.done('POST', '/projects/', { name: 'shop' });
  for (const environment of [east, west]) {
    const gateway = await FakeGateway.admitted(plane.redis, environment);
    await gateway.appliesEverything();
    gateways.set(environment.name, gateway);
  }
});
afterAll(async () => {
  await Promise.all([...gateways.values()].map((gateway) => gateway.ends()));
  await plane.close();
});

let names = 0;
const newName = (): string => `key-${(names += 1)}`;
const EC = { type: 'EC', ec: { curveType: 'P256' } };
const generate = (name: string, members: object = EC) => plane.done('POST', `${JWKS}/generate`, { name, ...members });
const rotate = (name: string, body: object = {}) => plane.done('POST', `${JWKS}/${name}/rotate/`, body);
/** Until every gateway signs with the new key. */
const switched = async (name: string, body: object = {}): Promise<Answer> => {
  const answer = await rotate(name, { publishForSeconds: 0, ...body });
  await until(`${name} has switched`, async () => {
    const { resultList } = await plane.done('GET', `${JWKS}/${name}/rotate/`);
    return resultList[0]?.['acknowledgedAt'] !== null;
  });
  return answer;
};
const publicKeyIn = (answer: Answer, index = 0) =>
  (answer.resultList[0]?.['keyList'] as { publicJwk: Record<string, unknown> }[])[index]?.publicJwk ?? {};
const environmentsIn = ({ deploymentResult }: Answer) =>
  deploymentResult.deploymentResults.map(({ environmentName, success }) => [environmentName, success]);

/** A proxy that is deployed, and whose tokens a key signs. */
async function deployed(
  keyStoreName: string,
  environments: readonly Environment[],
  algorithm = 'ES256',
): Promise<string> {
  const proxy = `proxy-${(names += 1)}`;
  await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody(proxy));
  const metadata = { deploy: true, deployTargetEnvironmentNameList: environments.map(({ name }) => name) };
  const body = policyBody(metadata, { jwtSignatureAlgorithm: algorithm, keyStoreName });
  const { deploymentResult } = await plane.done('POST', `/projects/shop/apiProxies/${proxy}/policies/issue/`, body);
  expect(deploymentResult.success).toBe(true);
  return proxy;
}

async function artifactOf(proxy: string, environment: Environment): Promise<ProxyArtifact> {
  const found = await plane.pool.query<{ entity_id: string }>(
    `select entity_id from names where kind = 'api-proxy' and name = $1`,
    [proxy],
  );
  const published = await gateways.get(environment.name)?.artifactOf(found.rows[0]?.entity_id ?? '');
  const parsed = parseProxyArtifact(JSON.parse(published?.text ?? 'null'));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return parsed.value;
}

/** The proxy as a gateway of the environment has it now. */
async function linked(proxy: string, environment: Environment): Promise<LinkedProxy> {
  const outcome = linkProxy(await artifactOf(proxy, environment), { faultCodes: 'documented' });
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.faults));
  return outcome.proxy;
}

function tokenOf({ issuers }: LinkedProxy): string {
  const claims = { sub: 'alice', client_id: 'client', jti: 'j' };
  return issuers[0]?.issueAccessToken(claims, NOW_MS).token ?? '';
}

/** The policy's verdict: undefined lets the request pass. */
async function verdict(proxy: LinkedProxy, token: string): Promise<string | undefined> {
  const match = proxy.matchEndpoint('GET', '/7');
  if (match.kind !== 'matched') throw new Error(match.kind);
  const request = {
    ...{ method: 'GET', path: '/x/7', queryString: '', httpVersion: '1.1' },
    ...{ peerAddress: '192.0.2.7', clientAddress: '192.0.2.7' },
    ...{ host: 'h', scheme: 'https' as const, rawHeaders: ['Authorization', `Bearer ${token}`], body: undefined },
  } as const;
  const fault = await match.route.runRequest(new Exchange(request, proxy, '/7', NOW_MS, 'c'), NOW_MS);
  return fault?.reason;
}

describe('keyStoreName: a gateway', () => {
  it("signs with the project's key, which the key's public half verifies", async () => {
    const name = newName();
    const publicJwk = publicKeyIn(await generate(name, { ...EC, kid: 'orders' }));
    const proxy = await linked(await deployed(name, [east]), east);
    const token = tokenOf(proxy);
    const key = await importJWK(publicJwk as never, 'ES256');
    const { protectedHeader } = await jwtVerify(token, key, { currentDate: new Date(NOW_MS) });
    expect(protectedHeader).toMatchObject({ kid: 'orders', alg: 'ES256' });
    expect(await verdict(proxy, token)).toBeUndefined();
  });

  it.each([
    ['RS256', { type: 'RSA', rsa: { keySize: 2048 } }],
    ['ES512', { type: 'EC', ec: { curveType: 'P521' } }],
    ['HS512', { type: 'OCT', oct: { keySize: 512 } }],
  ])(
    'POST P/jwks/{name}/rotate/: gets the new %s key by itself, and takes tokens of the old one',
    async (algorithm, kind) => {
      const name = newName();
      await generate(name, kind);
      const proxy = await deployed(name, [east], algorithm);
      const old = tokenOf(await linked(proxy, east));
      expect(environmentsIn(await switched(name))).toEqual([[east.name, true]]);
      const after = await linked(proxy, east);
      const renewed = tokenOf(after);
      expect(renewed.split('.')[0]).not.toBe(old.split('.')[0]);
      expect([await verdict(after, renewed), await verdict(after, old)]).toEqual([undefined, undefined]);
      await rotate(name, { retirePrevious: true });
      const last = await linked(proxy, east);
      expect([await verdict(last, renewed), await verdict(last, old)]).toEqual([
        'NoMatchingPublicKey',
        'NoMatchingPublicKey',
      ]);
      expect(await verdict(last, tokenOf(last))).toBeUndefined();
    },
  );

  it('keeps a rotated key for verification without its private half', async () => {
    const name = newName();
    await generate(name);
    const proxy = await deployed(name, [east]);
    await switched(name);
    const { signingKeys } = await artifactOf(proxy, east);
    expect(signingKeys['issue']?.signing).toHaveProperty('d');
    expect(signingKeys['issue']?.verification).toHaveLength(1);
    expect(signingKeys['issue']?.verification[0]).not.toHaveProperty('d');
  });

  it('PUT P/jwks/{name}/: gets the other key by itself, and refuses tokens of the old one', async () => {
    const name = newName();
    await generate(name);
    const proxy = await deployed(name, [east]);
    const old = tokenOf(await linked(proxy, east));
    const content = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey.export({
      format: 'pem',
      type: 'sec1',
    });
    const answer = await plane.done('PUT', `${JWKS}/${name}/`, { sourceType: 'PEM', content });
    expect(environmentsIn(answer)).toEqual([[east.name, true]]);
    const after = await linked(proxy, east);
    expect(await verdict(after, old)).toBe('NoMatchingPublicKey');
    expect(await verdict(after, tokenOf(after))).toBeUndefined();
  });

  it('has the key of its environment, and hears nothing of a rotation elsewhere', async () => {
    const name = newName();
    const made = await generate(name, { ...EC, environmentNameList: [east.name, west.name] });
    const proxy = await deployed(name, [east, west]);
    const signing = async (environment: Environment) =>
      (await artifactOf(proxy, environment)).signingKeys['issue']?.signing['kid'];
    expect([await signing(east), await signing(west)]).toEqual([publicKeyIn(made)['kid'], publicKeyIn(made, 1)['kid']]);
    expect(environmentsIn(await switched(name, { environmentNameList: [west.name] }))).toEqual([[west.name, true]]);
    expect(await signing(east)).toBe(publicKeyIn(made)['kid']);
    expect(await signing(west)).not.toBe(publicKeyIn(made, 1)['kid']);
  });

  it('of an environment without a key is not deployed to, until there is one', async () => {
    const name = newName();
    await generate(name, { ...EC, environmentNameList: [east.name] });
    const proxy = await deployed(name, [east]);
    const path = `/projects/shop/apiProxies/${proxy}/environments/${west.name}/`;
    const { status, body: refused } = await plane.call('POST', path);
    expect([status, refused.validation_errors]).toMatchObject([400, [{ code: 'no_key_for_environment' }]]);
    const content = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
      format: 'pem',
      type: 'pkcs8',
    });
    const body = { sourceType: 'PEM', content, environmentNameList: [west.name] };
    await plane.done('PUT', `${JWKS}/${name}/`, body);
    expect(environmentsIn(await plane.done('POST', path))).toEqual([[west.name, true]]);
    expect(await verdict(await linked(proxy, west), tokenOf(await linked(proxy, west)))).toBeUndefined();
  });

  it('of an environment without a key gets nothing when it is wished for all the same: the deployment says why', async () => {
    const name = newName();
    await generate(name, { ...EC, environmentNameList: [east.name] });
    const proxy = await deployed(name, [east]);
    await plane.app.get(UnitOfWork).run(ownContext('test'), async (unit) => {
      const { proxyId } = await resolveApiProxy(unit, { projectName: 'shop', apiProxyName: proxy });
      const target = { environmentId: west.id, environmentName: west.name };
      return requestDeployments(unit, [target], { kind: 'publish', proxyId, revision: 2, description: '' });
    });
    await plane.app.get(DeploymentRelay).flush();
    const reason = `policy issue: key ${name} has no key for environment ${west.name}`;
    const settled = async () =>
      (await plane.deployments()).find((row) => row.state !== 'pending' && row.message.includes(reason));
    expect((await until('it has ended', settled)).state).toBe('failed');
  });
});

describe('a key of a project', () => {
  it('that is deployed is changed only by whom may deploy', async () => {
    const name = newName();
    await generate(name);
    await deployed(name, [east]);
    const made = await plane.done('POST', '/tokens/', { name: newName(), permissions: ['MANAGE'], projects: ['shop'] });
    const headers = { authorization: `Bearer ${String(made.resultList[0]?.['token'])}` };
    const before = (await plane.done('GET', `${JWKS}/${name}/`, undefined, headers)).resultList;
    expect((await plane.call('POST', `${JWKS}/${name}/rotate/`, {}, headers)).status).toBe(403);
    expect((await plane.done('GET', `${JWKS}/${name}/`)).resultList).toEqual(before);
    await plane.done('POST', `${JWKS}/generate`, { name: newName(), ...EC }, headers);
  });

  const secretsLeft = async () =>
    Number((await plane.pool.query(`select 1 from secrets where purpose = 'key-store'`)).rowCount);

  it('that is replaced, rotated out or deleted is destroyed', async () => {
    const name = newName();
    const before = await secretsLeft();
    await generate(name, { type: 'OCT', oct: { keySize: 256 } });
    for (let rotation = 0; rotation < 4; rotation += 1) await switched(name);
    expect(await secretsLeft()).toBe(before + 5);
    await rotate(name, { retirePrevious: true });
    expect(await secretsLeft()).toBe(before + 1);
    const content = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
      format: 'pem',
      type: 'pkcs8',
    });
    await plane.done('PUT', `${JWKS}/${name}/`, { sourceType: 'PEM', content });
    await switched(name);
    expect(await secretsLeft()).toBe(before + 1);
    await plane.done('DELETE', `${JWKS}/${name}/`);
    expect(await secretsLeft()).toBe(before);
  });

  it('DELETE /apiops/environments/{env}/: goes with its environment, and the other keys stay', async () => {
    const gone = await plane.environment();
    const [both, alone] = [newName(), newName()];
    const before = await secretsLeft();
    const made = await generate(both, { ...EC, environmentNameList: [gone.name, east.name] });
    await generate(alone, { ...EC, environmentNameList: [gone.name] });
    await plane.done('DELETE', `/environments/${gone.name}/`);
    expect(await secretsLeft()).toBe(before + 1);
    const left = await plane.done('GET', `${JWKS}/${both}/`);
    expect(left.resultList[0]?.['keyList']).toEqual([(made.resultList[0]?.['keyList'] as unknown[])[1]]);
    expect((await plane.done('GET', `${JWKS}/${alone}/`)).resultList[0]).toMatchObject({ keyList: [] });
    expect((await plane.call('POST', `${JWKS}/${alone}/rotate/`)).status).toBe(409);
    await plane.done('DELETE', `${JWKS}/${alone}/`);
  });

  it('shows nothing private in answers, events, tables or log lines, and nothing in clear in Redis', async () => {
    const [name, secretName, password] = [newName(), newName(), 'pa55-of-the-key'];
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { d = '' } = privateKey.export({ format: 'jwk' });
    const k = 'c2VjcmV0IG9mIHRoaXJ0eS10d28gYnl0ZXMsIGxpdHRsZSBtb3Jl';
    const pem = privateKey.export({
      format: 'pem',
      type: 'pkcs8',
      cipher: 'aes-256-cbc',
      passphrase: password,
    }) as string;
    await plane.done('POST', `${JWKS}/`, { name, sourceType: 'PEM', content: pem, password });
    await plane.done('POST', `${JWKS}/`, {
      name: secretName,
      sourceType: 'JWK',
      content: JSON.stringify({ kty: 'oct', k }),
    });
    await plane.call('POST', `${JWKS}/`, {
      name: newName(),
      sourceType: 'PEM',
      content: pem,
      password: `${password}!`,
    });
    await plane.call('POST', `${JWKS}/`, { name: newName(), sourceType: 'JWK', content: `{"kty":"oct","k":"${k}` });
    await deployed(name, [east]);
    await deployed(secretName, [east], 'HS256');
    await switched(secretName);
    const generated = newName();
    await generate(generated);
    const made = (await artifactOf(await deployed(generated, [east]), east)).signingKeys['issue']?.signing['d'];
    for (const path of ['', `${name}/`, `${secretName}/`]) await plane.done('GET', `${JWKS}/${path}`);

    const tables = ['events', 'names', 'deployments', 'secrets'];
    const dump = await plane.pool.query<{ text: string }>(
      tables.map((table) => `select to_jsonb(${table})::text as text from ${table}`).join(' union all '),
    );
    const keys = await plane.redis.keys(`gw:{${east.name}}:*`);
    const inRedis = await Promise.all(keys.map(async (key) => (await plane.redis.dumpBuffer(key))?.toString('latin1')));
    const seen = [dump.rows.map(({ text }) => text), plane.answers, plane.logLines, inRedis].flat().join('\n');
    expect(seen).toContain(name);
    for (const secret of [d, k, String(made), password, ...pem.split('\n').slice(1, -2)]) {
      expect(secret.length).toBeGreaterThan(14);
      expect(seen).not.toContain(secret);
    }
  });
});
