import { randomUUID } from 'node:crypto';
import type { DomainEvent, PostgresEventStore } from '#libs/event-store';

/** What the log is like, for whoever reads the figures. */
export const LOG_IN_WORDS =
  'half changes of proxies (policies, endpoints, settings), as many deployment events, a few credentials and projects';

const PROXIES = 600;
const PROXIES_OF_A_PROJECT = 30;
const CREDENTIALS = 1_000;
/** Of a proxy, from its creation on; streams grow side by side, as they do. */
const CHANGES_AT_ONCE = 5;
const STREAMS_OF_A_TRANSACTION = 50;

const secret = () => ({ secretId: randomUUID(), fingerprint: '0123456789abcdef' });

const event = (type: string, data: object, schemaVersion = 1): DomainEvent => ({ type, schemaVersion, data });

const settings = (route: string, description = 'orders of the shop') => ({
  description,
  clientRoute: { relativePathList: [route], methodList: ['ALL'], hostList: [], headerList: [] },
  routingInfo: {
    routingAddressList: [{ address: 'http://orders.internal:8080/base', weight: 100 }],
    loadBalanceAlgorithm: 'ROUND_ROBIN',
    ...{ connectTimeoutSeconds: 3, readTimeoutSeconds: 60, retryCount: 1 },
  },
  ...{ cors: null, jsonErrorTemplate: null, xmlErrorTemplate: null },
});

/** The `index`-th change of a proxy, from 0. */
function changeOf(proxy: { readonly proxyId: string; readonly projectId: string }, index: number): DomainEvent {
  const { proxyId, projectId } = proxy;
  if (index === 0) {
    const names = { proxyId, projectId, project: 'shop', name: `orders-${proxyId}` };
    const keys = { publicKey: randomUUID(), secretKey: secret() };
    return event('ProxyCreated', { ...names, keys, ...settings(`/${proxyId}`) }, 2);
  }
  if (index % 10 === 9) return event('ProxyUpdated', { proxyId, ...settings(`/${proxyId}`, `change ${index}`) }, 2);
  if (index % 5 === 1) {
    const endpoint = { name: `/orders/{id}/${index}`, httpMethod: 'GET', description: '' };
    return event('EndpointAdded', {
      proxyId,
      endpoint: { ...endpoint, backendResourceUrl: null, backendHttpMethod: null },
    });
  }
  const placed = { name: `policy-${index >> 1}`, place: { scope: 'ALL', pipeline: 'REQUEST' }, order: 1 };
  const policy = {
    type: 'policy-verify-jwt',
    algorithm: 'HS256',
    secretKey: { ref: 'private.secret' },
    issuer: `i${index}`,
  };
  return event(index % 2 === 0 ? 'PolicyAdded' : 'PolicyUpdated', { proxyId, ...placed, policy });
}

interface Append {
  readonly streamId: string;
  readonly events: readonly DomainEvent[];
}

function projects(ids: readonly string[]): Append[] {
  return ids.map((projectId, index) => {
    const data = { projectId, name: `project-${index}`, description: 'of the benchmark' };
    return { streamId: `project-${projectId}`, events: [event('ProjectCreated', data)] };
  });
}

function environment(environmentId: string): Append {
  const data = { environmentId, name: 'bench', description: '', tokenIssuer: 'https://issuer.example' };
  const created = event('EnvironmentCreated', { ...data, expiresInUnit: 'SECONDS', redisUrl: null, rootKey: secret() });
  return { streamId: `environment-${environmentId}`, events: [created] };
}

function credentials(projectIds: readonly string[], proxyIds: readonly string[]): Append[] {
  return Array.from({ length: CREDENTIALS }, (_, index) => {
    const credentialId = randomUUID();
    const content = { email: `user-${index}@example.com`, fullName: 'User', description: '', enabled: true };
    const lists = { expiresAt: null, roles: ['buyer'], ipList: [], metadata: [{ key: 'tenant', value: 'one' }] };
    const of = { credentialId, projectId: projectIds[index % projectIds.length], project: 'shop' };
    const created = { ...of, username: `user-${index}`, password: secret(), ...content, ...lists };
    const access = [{ proxyId: proxyIds[index % proxyIds.length], expiresAt: null }];
    const events = [event('CredentialCreated', created, 2), event('AccessGranted', { credentialId, access })];
    return { streamId: `credential-${credentialId}`, events };
  });
}

/** What a deployment of each of these revisions leaves in the environment's stream. */
function deployments(environmentId: string, from: number, proxyIds: readonly string[]): Append {
  const events = proxyIds.flatMap((proxyId, index) => {
    const wish = { environmentId, deployment: from + index, kind: 'publish', proxyId, revision: 1 };
    const done = { environmentId, deployment: from + index, proxyId, revision: 1, hash: 'a'.repeat(64) };
    return [event('DeploymentRequested', { ...wish, description: '' }), event('DeploymentSucceeded', done)];
  });
  return { streamId: `environmentDeployments-${environmentId}`, events };
}

/** Appends about so many events, in the order in which a control plane that is used every day would. */
export async function fillLog(store: PostgresEventStore, eventCount: number): Promise<void> {
  const projectIds = Array.from({ length: PROXIES / PROXIES_OF_A_PROJECT }, () => randomUUID());
  const proxies = Array.from({ length: PROXIES }, (_, index) => ({
    proxyId: randomUUID(),
    projectId: projectIds[Math.floor(index / PROXIES_OF_A_PROJECT)] ?? '',
  }));
  const environmentId = randomUUID();
  const proxyIds = proxies.map(({ proxyId }) => proxyId);
  await append(store, [...projects(projectIds), environment(environmentId), ...credentials(projectIds, proxyIds)]);
  const changesOfEach = Math.ceil(eventCount / 2 / PROXIES / CHANGES_AT_ONCE) * CHANGES_AT_ONCE;
  for (let first = 0; first < changesOfEach; first += CHANGES_AT_ONCE) {
    for (let at = 0; at < PROXIES; at += STREAMS_OF_A_TRANSACTION) {
      const some = proxies.slice(at, at + STREAMS_OF_A_TRANSACTION);
      const changes = some.map((proxy) => ({
        streamId: `apiProxy-${proxy.proxyId}`,
        events: Array.from({ length: CHANGES_AT_ONCE }, (_, index) => changeOf(proxy, first + index)),
      }));
      // Every other change is deployed, to one environment: a wish and what became of it.
      const ids = some.flatMap(({ proxyId }) => [proxyId, proxyId, proxyId].slice(0, 2 + (first % 2)));
      await append(store, [...changes, deployments(environmentId, first * PROXIES + at, ids)]);
    }
  }
}

async function append(store: PostgresEventStore, appends: readonly Append[]): Promise<void> {
  const context = { recordedAt: new Date().toISOString(), metadata: { actor: 'admin', requestId: randomUUID() } };
  await store.transact(async (session) => {
    for (const one of appends) await session.append({ ...one, expectedVersion: 'any' }, context);
  });
}
