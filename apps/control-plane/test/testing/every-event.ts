import { randomBytes } from 'node:crypto';
import { FakeGateway } from './fake-gateway.ts';
import { prepareForWrites, writesOn, type WriteEnvironments } from './every-write.ts';
import { credentialBody, METADATA, policyBody, proxyBody, verificationBody } from './request-bodies.ts';
import type { RunningControlPlane } from './running-control-plane.ts';
import { removeKeys, testRedisUrl, until } from './test-servers.ts';

const P = '/projects/shop';

const hasHappened = (plane: RunningControlPlane, type: string) =>
  until(`there is a ${type}`, async () => (await plane.events()).some((event) => event.type === type), 20_000);
const to = (...names: string[]) => ({ deploy: true, deployTargetEnvironmentNameList: names });
const inWaves = (...waves: string[][]) => ({
  ...{ deploy: true, deployStrategy: { waves, stopOnFailure: true, minAppliedPercent: 100 } },
});

const HEADERS = [{ name: 'x-tenant', value: 'a' }];
const CORS = { corsActive: true, allowOriginList: ['https://a'], allowMethodList: ['GET'], maxAge: 60 };
const TEMPLATE = { jsonErrorResponseTemplateActive: true, jsonValue: '{"code":"#faultCode#"}' };
const XML_TEMPLATE = { xmlErrorResponseTemplateActive: true, xmlValue: '<error code="#FAULTCODE#"/>' };
const AT_USERS = {
  ...METADATA,
  ...{ targetScope: 'ENDPOINT', targetEndpoint: '/users', targetEndpointHTTPMethod: 'GET' },
};
const CREDENTIAL_MEMBERS = {
  ...{ expireDate: '2100-01-01T00:00:00Z', roleNameList: ['a'], ipList: ['10.0.0.0/8'] },
  metadata: [{ key: 'team', value: 'a' }],
};

/** The test's Redis, entered by a user of its own with a password. */
async function redisWithPassword(plane: RunningControlPlane): Promise<{ redisUrl: string; redisPassword: string }> {
  const redisPassword = secretText();
  await plane.redis.call('ACL', 'SETUSER', 'every-event', 'on', `>${redisPassword}`, '~*', '&*', '+@all');
  const url = new URL(testRedisUrl());
  return { redisUrl: `${url.protocol}//every-event:${redisPassword}@${url.host}/`, redisPassword };
}

/** All that can be asked for, once. */
async function everyWrite(plane: RunningControlPlane): Promise<WriteEnvironments> {
  const environment = await plane.environment();
  const environments = await prepareForWrites(plane, environment.name);
  for (const prepare of writesOn(plane, environments)) {
    const { method, path, body } = await prepare();
    await plane.done(method, path, body);
  }
  return environments;
}

/** What environments make of it: a gateway that rejects, a Redis that loses its data, keys of its own. */
async function troubleOfEnvironments(plane: RunningControlPlane): Promise<void> {
  const environment = await plane.environment();
  const gateway = await FakeGateway.admitted(plane.redis, environment);
  await gateway.appliesEverything();
  await plane.done('POST', `${P}/apiProxies/url/`, proxyBody('troubled'));
  const found = await plane.pool.query<{ id: string }>(
    `select entity_id as id from names where kind = 'api-proxy' and name = 'troubled'`,
  );
  const rejected = [{ proxyId: found.rows[0]?.id ?? '', deployment: 1, reason: 'the key does not fit' }];
  await gateway.says({ rejected });
  await plane.done('POST', `${P}/apiProxies/troubled/policies/a/`, policyBody(to(environment.name)));
  await hasHappened(plane, 'DeploymentFailed');
  await gateway.ends();
  await removeKeys(plane.redis, `gw:{${environment.name}}:*`);
  await hasHappened(plane, 'ChannelRestarted');
}

/** A rotation of a key from its beginning to its end, and one in a single step. */
async function everyRotation(plane: RunningControlPlane): Promise<void> {
  const at = `${P}/jwks/staged`;
  await plane.done('POST', `${P}/jwks/generate`, { name: 'staged', type: 'EC', ec: { curveType: 'P256' } });
  await plane.done('POST', `${at}/rotate/`, { publishForSeconds: 0 });
  await hasHappened(plane, 'KeyRotationAcknowledged');
  await plane.done('POST', `${at}/rotate/force/`);
  await plane.done('POST', `${at}/rotate/`, { retirePrevious: true });
  const events = await plane.events();
  const recorded = new Set(events.map(({ type }) => type));
  if (!recorded.has('KeyRotationFinished')) throw new Error('force does not finish a rotation');
}

/** What waves make of it: overtaken, stopped, and shortened by the end of an environment. */
async function troubleOfWaves(plane: RunningControlPlane): Promise<void> {
  const [slow, later, doomed] = [await plane.environment(), await plane.environment(), await plane.environment()];
  const silent = await FakeGateway.admitted(plane.redis, slow);
  const changed = async (proxy: string, metadata: object): Promise<void> => {
    await silent.says();
    await plane.done('PUT', `${P}/apiProxies/${proxy}/policies/a/`, policyBody(metadata));
  };
  for (const name of ['overtaken', 'stopped', 'shortened']) {
    await plane.done('POST', `${P}/apiProxies/url/`, proxyBody(name));
    await plane.done('POST', `${P}/apiProxies/${name}/policies/a/`, policyBody());
  }
  await changed('overtaken', inWaves([slow.name], [later.name]));
  await changed('overtaken', to(later.name));
  await changed('stopped', inWaves([slow.name], [later.name]));
  await plane.done('DELETE', `${P}/apiProxies/stopped/`);
  await changed('shortened', inWaves([slow.name], [doomed.name]));
  await plane.done('DELETE', `/environments/${doomed.name}/`);
  await silent.ends();
  for (const type of ['RolloutOvertaken', 'RolloutStopped', 'RolloutShortened', 'RolloutFinished']) {
    await hasHappened(plane, type);
  }
  await hasHappened(plane, 'DeploymentSuperseded');
}

const secretText = (): string => `s3cret-${randomBytes(24).toString('hex')}`;

/** Members that the plain writes leave out, null or empty; gives the secrets that it used. */
async function everyForm(plane: RunningControlPlane, { emptyFleet }: WriteEnvironments): Promise<string[]> {
  const [password, value, own, symmetric] = [secretText(), secretText(), secretText(), secretText()];
  const { redisUrl, redisPassword } = await redisWithPassword(plane);
  const environment = await plane.environment({ redisUrl, expiresInUnit: 'MILLISECONDS' });
  const { resultList } = await plane.done('POST', '/tokens/', {
    ...{ name: 'narrow', permissions: ['VIEW'], projects: ['shop'], expiresAt: '2100-01-01T00:00:00Z' },
  });
  const all = proxyBody('formed', { clientRoute: { relativePathList: ['/formed'], headerList: HEADERS } });
  const created = await plane.done('POST', `${P}/apiProxies/url/`, all);
  const X = `${P}/apiProxies/formed`;
  await plane.done('PATCH', `${X}/settings/cors/`, CORS);
  await plane.done('PATCH', `${X}/settings/json-error-template/`, TEMPLATE);
  await plane.done('PATCH', `${X}/settings/xml-error-template/`, XML_TEMPLATE);
  const backend = { backendResourceUrl: '/people', backendHttpMethod: 'POST' };
  await plane.done('POST', `${X}/endpoints/`, { name: '/users', httpMethod: 'GET', ...backend });
  await plane.done('PATCH', `${X}/endpoints/`, { name: '/users', httpMethod: 'GET', description: 'all' });
  await plane.done('POST', `${X}/policies/a/`, policyBody(AT_USERS));
  await plane.done('PUT', `${X}/policies/a/`, policyBody(AT_USERS, { jwtSignatureAlgorithm: 'RS256' }));
  await plane.done('POST', `${X}/policies/b/`, verificationBody({}, 'private.key'));
  await plane.done('POST', `${X}/revisions/6/rollback/`, to(environment.name));
  const place = { targetScope: 'ENDPOINT', targetEndpoint: '/users', targetEndpointHTTPMethod: 'GET' };
  await plane.done('POST', `${X}/policies/c/`, policyBody(AT_USERS));
  await plane.done('DELETE', `${X}/policies/c/`, { operationMetadata: { ...place, targetPipeline: 'REQUEST' } });
  await plane.done('POST', `${X}/endpoints/delete/`, { name: '/users', httpMethod: 'GET', force: true });
  const credential = credentialBody('formed-user', password, CREDENTIAL_MEMBERS);
  await plane.done('POST', `${P}/credentials/`, credential);
  await plane.done('PUT', `${P}/credentials/`, credential);
  const access = { credentialAccessList: [{ name: 'formed', type: 'API_PROXY', expireTime: '2100-01-01T00:00:00Z' }] };
  await plane.done('PUT', `${P}/credentials/formed-user/access/`, access);
  const values = [
    { environmentName: environment.name, value: own, visible: false },
    { environmentName: emptyFleet, value: 'plain', visible: true },
  ];
  await plane.done('POST', `${P}/environmentVariables/public.one/`, { environmentValueList: values });
  await plane.done('PUT', `${P}/environmentVariables/public.one/`, { environmentValueList: values });
  await plane.done('POST', `${P}/environmentVariables/private.key/`, { global: true, globalValue: value });
  await plane.done('PUT', `${P}/environmentVariables/private.key/`, { global: true, globalValue: value });
  const content = JSON.stringify({
    kty: 'oct',
    k: Buffer.from(symmetric).toString('base64url'),
    kid: 'sym',
    alg: 'HS256',
  });
  await plane.done('POST', `${P}/jwks/`, {
    ...{ name: 'symmetric', sourceType: 'JWK', content, environmentNameList: [environment.name] },
  });
  const shown = [resultList[0]?.['token'], created.resultList[0]?.['secretKey'], environment.gatewayKey];
  const base64url = Buffer.from(symmetric).toString('base64url');
  return [password, value, own, symmetric, base64url, redisPassword, ...shown.map(String)];
}

/** Lets a control plane do everything that it records; gives secrets that it used. */
export async function makeEveryEvent(plane: RunningControlPlane): Promise<string[]> {
  const environments = await everyWrite(plane);
  await everyRotation(plane);
  const secrets = await everyForm(plane, environments);
  await troubleOfEnvironments(plane);
  await troubleOfWaves(plane);
  return secrets;
}
