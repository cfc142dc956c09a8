import { generateKeyPairSync } from 'node:crypto';
import { credentialBody, METADATA, policyBody, proxyBody } from './request-bodies.ts';
import type { RunningControlPlane } from './running-control-plane.ts';

type Method = Parameters<RunningControlPlane['call']>[0];

/** A call that changes something. */
export interface Write {
  readonly method: Method;
  /** As the web server has it. */
  readonly route: string;
  readonly path: string;
  readonly body: unknown;
}

const P = '/projects/shop';
const X = `${P}/apiProxies/orders`;

const write = (method: Method, route: string, path: string, body?: unknown): Write => ({ method, route, path, body });

const PROJECT = '/projects/:projectName';
const PROXY = `${PROJECT}/apiProxies/:apiProxyName`;
const ACCESS = { credentialAccessList: [{ name: 'orders', type: 'API_PROXY' }] };
const CREDENTIAL = `${PROJECT}/credentials/:username`;
const ENVIRONMENT = '/environments/:environmentName';

const IMPORTED = {
  sourceType: 'JWK',
  content: JSON.stringify(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })),
};

/** By name. */
export interface WriteEnvironments {
  readonly environmentName: string;
  /** No gateway ever comes there. */
  readonly emptyFleet: string;
  /** Is made and deleted by the writes. */
  readonly spare: string;
}

/** Every call that changes something, in an order in which each finds what it needs: see `prepareForWrites`. */
export const writesOn = (
  plane: RunningControlPlane,
  { environmentName, emptyFleet, spare }: WriteEnvironments,
): readonly (() => Write | Promise<Write>)[] => [
  () => write('POST', '/tokens', '/tokens/', { name: 'ci', permissions: ['VIEW'], projects: ['*'] }),
  () => write('DELETE', '/tokens/:tokenName', '/tokens/ci/'),
  () => write('POST', '/projects', '/projects/', { name: 'empty' }),
  () => write('DELETE', PROJECT, '/projects/empty/'),
  () =>
    write('PUT', `${PROJECT}/settings/deploy-strategy`, `${P}/settings/deploy-strategy/`, { waves: [[emptyFleet]] }),
  () => write('PUT', `${PROJECT}/settings/limits`, `${P}/settings/limits/`, { proxies: 100, endpointsPerProxy: 50 }),
  () => write('POST', '/environments', '/environments/', { name: spare }),
  () => write('PUT', ENVIRONMENT, `/environments/${spare}/`, { name: spare, description: 'changed' }),
  () => write('POST', `${ENVIRONMENT}/keys`, `/environments/${spare}/keys/`, {}),
  async () => {
    const { resultList } = await plane.done('GET', `/environments/${spare}/keys/`);
    return write(
      'DELETE',
      `${ENVIRONMENT}/keys/:keyId`,
      `/environments/${spare}/keys/${String(resultList[0]?.['keyId'])}/`,
    );
  },
  () => write('POST', `${ENVIRONMENT}/jwks/flush`, `/environments/${spare}/jwks/flush/`),
  () =>
    write('POST', `${ENVIRONMENT}/jwks/deny`, `/environments/${spare}/jwks/deny/`, {
      ...{ uri: 'https://keys.example/jwks', kid: 'k' },
    }),
  () =>
    write(
      'DELETE',
      `${ENVIRONMENT}/jwks/deny`,
      `/environments/${spare}/jwks/deny/?uri=${encodeURIComponent('https://keys.example/jwks')}&kid=k`,
    ),
  () => write('POST', `${ENVIRONMENT}/revocations`, `/environments/${spare}/revocations/`, { username: 'nobody' }),
  () => write('DELETE', ENVIRONMENT, `/environments/${spare}/`),
  () => write('POST', `${PROJECT}/apiProxies/url`, `${P}/apiProxies/url/`, proxyBody('second')),
  () => write('PUT', `${PROJECT}/apiProxies/url`, `${P}/apiProxies/url/`, proxyBody('second')),
  () => write('DELETE', PROXY, `${P}/apiProxies/second/`),
  () => write('POST', `${PROXY}/endpoints`, `${X}/endpoints/`, { name: '/users', httpMethod: 'GET' }),
  () =>
    write('PATCH', `${PROXY}/endpoints`, `${X}/endpoints/`, { name: '/users', httpMethod: 'GET', description: 'd' }),
  () => write('POST', `${PROXY}/endpoints/delete`, `${X}/endpoints/delete/`, { name: '/users', httpMethod: 'GET' }),
  () => write('POST', `${PROXY}/policies/:policyName`, `${X}/policies/one/`, policyBody()),
  () => write('PUT', `${PROXY}/policies/:policyName`, `${X}/policies/one/`, policyBody({}, { description: 'd' })),
  () => write('DELETE', `${PROXY}/policies/:policyName`, `${X}/policies/one/`, { operationMetadata: METADATA }),
  () =>
    write('PATCH', `${PROXY}/settings/keys`, `${X}/settings/keys/`, {
      publicKey: 'client',
      secretKey: 's3cret-s3cret',
    }),
  () =>
    write('PATCH', `${PROXY}/settings/addresses`, `${X}/settings/addresses/`, {
      routingAddressList: [{ address: 'http://127.0.0.1:2/base' }],
    }),
  () =>
    write('PATCH', `${PROXY}/settings/client-route`, `${X}/settings/client-route/`, { relativePathList: ['/other'] }),
  () => write('PATCH', `${PROXY}/settings/connection`, `${X}/settings/connection/`, { readTimeout: 9 }),
  () => write('PATCH', `${PROXY}/settings/cors`, `${X}/settings/cors/`, { corsActive: false }),
  () =>
    write('PATCH', `${PROXY}/settings/json-error-template`, `${X}/settings/json-error-template/`, {
      ...{ jsonErrorResponseTemplateActive: false },
    }),
  () =>
    write('PATCH', `${PROXY}/settings/xml-error-template`, `${X}/settings/xml-error-template/`, {
      ...{ xmlErrorResponseTemplateActive: false },
    }),
  () => write('POST', `${PROXY}/environments/:environmentName`, `${X}/environments/${environmentName}/`),
  () => write('POST', `${PROXY}/promote`, `${X}/promote/`, { from: environmentName, to: [emptyFleet] }),
  async () => {
    const { resultList } = await plane.done('GET', `${X}/deploy-histories/`);
    const at = `${X}/deploy-histories/${String(resultList[0]?.['deployment'])}/rollback`;
    const route = `${PROXY}/deploy-histories/:deployment/rollback`;
    return write('POST', route, `${at}/?environmentName=${environmentName}`);
  },
  () => write('POST', `${PROXY}/revisions/:revision/rollback`, `${X}/revisions/1/rollback/`),
  () => write('DELETE', `${PROXY}/environments/:environmentName`, `${X}/environments/${environmentName}/`),
  () => write('POST', `${PROJECT}/credentials`, `${P}/credentials/`, credentialBody('user', 'a first password')),
  () => write('PUT', `${PROJECT}/credentials`, `${P}/credentials/`, credentialBody('user', 'another password')),
  () => write('PATCH', CREDENTIAL, `${P}/credentials/user/`, { password: 'a third password' }),
  () => write('PUT', `${CREDENTIAL}/access`, `${P}/credentials/user/access/`, ACCESS),
  () => write('DELETE', `${CREDENTIAL}/access`, `${P}/credentials/user/access/`, ACCESS),
  () => write('PUT', `${CREDENTIAL}/token`, `${P}/credentials/user/token/`, { tokenNeverExpires: true }),
  () => write('DELETE', `${CREDENTIAL}/token`, `${P}/credentials/user/token/`),
  () => write('DELETE', `${CREDENTIAL}/tokens`, `${P}/credentials/user/tokens/?environmentName=${environmentName}`),
  () => write('DELETE', CREDENTIAL, `${P}/credentials/user/`),
  () =>
    write('POST', `${PROJECT}/environmentVariables/:name`, `${P}/environmentVariables/limit/`, {
      ...{ global: true, globalValue: '1' },
    }),
  () =>
    write('PUT', `${PROJECT}/environmentVariables/:name`, `${P}/environmentVariables/limit/`, {
      ...{ global: true, globalValue: '2' },
    }),
  () => write('DELETE', `${PROJECT}/environmentVariables/:name`, `${P}/environmentVariables/limit/`),
  () =>
    write('POST', `${PROJECT}/jwks/generate`, `${P}/jwks/generate`, {
      ...{ name: 'signing', type: 'EC', ec: { curveType: 'P256' } },
    }),
  () => write('POST', `${PROJECT}/jwks/:name/rotate`, `${P}/jwks/signing/rotate/`),
  () => write('POST', `${PROJECT}/jwks/:name/rotate/pause`, `${P}/jwks/signing/rotate/pause/`),
  () => write('POST', `${PROJECT}/jwks/:name/rotate/resume`, `${P}/jwks/signing/rotate/resume/`),
  () => write('DELETE', `${PROJECT}/jwks/:name/rotate`, `${P}/jwks/signing/rotate/`),
  async () => {
    await plane.done('POST', `${P}/jwks/signing/rotate/`);
    return write('POST', `${PROJECT}/jwks/:name/rotate/force`, `${P}/jwks/signing/rotate/force/`);
  },
  () => write('POST', `${PROJECT}/jwks`, `${P}/jwks/`, { name: 'imported', ...IMPORTED }),
  () => write('PUT', `${PROJECT}/jwks/:name`, `${P}/jwks/imported/`, IMPORTED),
  () => write('DELETE', `${PROJECT}/jwks/:name`, `${P}/jwks/signing/`),
];

/** Answers to one family of one user: it needs a real login at a gateway. A sign-in changes nothing. Look-ups by POST. */
export const NOT_IN_WRITES = [
  'DELETE /projects/:projectName/credentials/:username/tokens/:family',
  'POST /auth/token',
  // Records something only where an environment does not hold what is recorded.
  'POST /environments/:environmentName/drift',
  'POST /projects/:projectName/apiProxies/:apiProxyName/endpoints/details',
];

/** Writes that are served, as the web server has their routes; without `/apiops`. */
export const writesServedBy = (plane: RunningControlPlane): string[] =>
  plane
    .routes()
    .filter(({ method, path }) => method !== 'GET' && path.startsWith('/apiops/') && !path.startsWith('/apiops/queues'))
    .map(({ method, path }) => `${method} ${path.replace(/^\/apiops/, '').replace(/\/$/, '')}`);

/**
 * What the writes need: project `shop` with a proxy `orders`, and environments beside the named one. Their names are nobody
 * else's: whoever looks what a call changed must not see what another test does to one of the same name.
 */
export async function prepareForWrites(
  plane: RunningControlPlane,
  environmentName: string,
): Promise<WriteEnvironments> {
  const emptyFleet = plane.environmentName('empty-fleet');
  await plane.done('POST', '/environments/', { name: emptyFleet });
  await plane.done('POST', '/projects/', { name: 'shop' });
  await plane.done('POST', `${P}/apiProxies/url/`, proxyBody('orders'));
  return { environmentName, emptyFleet, spare: plane.environmentName('spare') };
}
