import type { PolicyPlace } from '#libs/policy-contracts';
import { fold } from '../../decider/decider.ts';
import { given } from '../../decider/testing/given.ts';
import {
  AT_REQUEST,
  endpointAdded,
  policyAdded,
  proxyCreated,
  SAMPLE_CREATION,
  SAMPLE_SETTINGS,
  sampleEndpoint,
  samplePolicy,
  sampleVerification,
} from '../testing/sample-proxy.ts';
import { apiProxyDecider } from './api-proxy.decider.ts';
import type { ApiProxyEvent } from './api-proxy.events.ts';
import { contentOf, requireApiProxy } from './api-proxy.state.ts';

const AT_USERS: PolicyPlace = { scope: 'ENDPOINT', pipeline: 'REQUEST', endpoint: '/users', httpMethod: 'GET' };
const policy = samplePolicy();
const add = { type: 'AddPolicy', name: 'a', place: AT_REQUEST, order: undefined, policy } as const;
const keys = { publicKey: 'other', secretKey: { secretId: 's-2', fingerprint: 'f2' } };
const proxyId = 'p-1';

const VERSIONS: Readonly<Partial<Record<ApiProxyEvent['type'], number>>> = { ProxyUpdated: 3, RolledBack: 2 };

const event = <Type extends ApiProxyEvent['type']>(
  type: Type,
  data: Extract<ApiProxyEvent, { type: Type }>['data'],
): ApiProxyEvent => ({ type, schemaVersion: VERSIONS[type] ?? 1, data }) as ApiProxyEvent;

describe('a proxy', () => {
  it('is created at revision 1', () => {
    given(apiProxyDecider, [])
      .when({ type: 'CreateProxy', ...SAMPLE_CREATION })
      .then([proxyCreated]);
    expect(requireApiProxy(fold(apiProxyDecider, [proxyCreated]))).toMatchObject({ revision: 1, policies: [] });
  });

  it('gets other settings and keeps its policies', () => {
    const settings = { ...SAMPLE_SETTINGS, description: 'changed' };
    const updated = event('ProxyUpdated', { proxyId, ...settings });
    given(apiProxyDecider, [proxyCreated]).when({ type: 'ChangeSettings', settings }).then([updated]);
    const state = requireApiProxy(fold(apiProxyDecider, [proxyCreated, policyAdded('a', 1), updated]));
    expect(state).toMatchObject({ description: 'changed', revision: 3, policies: [{ name: 'a' }] });
  });

  it('has other keys without being another revision', () => {
    const changed = event('KeysChanged', { proxyId, keys });
    given(apiProxyDecider, [proxyCreated]).when({ type: 'ChangeKeys', keys }).then([changed]);
    expect(requireApiProxy(fold(apiProxyDecider, [proxyCreated, changed]))).toMatchObject({ revision: 1, keys });
  });

  it('is deleted once, and then there is nothing left to change', () => {
    const deleted = event('ProxyDeleted', { proxyId });
    given(apiProxyDecider, [proxyCreated]).when({ type: 'DeleteProxy' }).then([deleted]);
    for (const history of [[], [proxyCreated, deleted]]) {
      const gone = given(apiProxyDecider, history);
      gone.when({ type: 'DeleteProxy' }).thenRefuses('NOT_FOUND');
      gone.when({ type: 'ChangeSettings', settings: SAMPLE_SETTINGS }).thenRefuses('NOT_FOUND');
      gone.when({ type: 'ChangeKeys', keys }).thenRefuses('NOT_FOUND');
      gone.when({ type: 'AddEndpoint', endpoint: sampleEndpoint('/users') }).thenRefuses('NOT_FOUND');
      gone.when(add).thenRefuses('NOT_FOUND');
    }
  });

  it('has an endpoint for each name and method once', () => {
    const history = [proxyCreated, endpointAdded('/users')];
    given(apiProxyDecider, history)
      .when({ type: 'AddEndpoint', endpoint: sampleEndpoint('/users') })
      .thenRefuses('CONFLICT');
    given(apiProxyDecider, history)
      .when({ type: 'AddEndpoint', endpoint: sampleEndpoint('/users', 'POST') })
      .then([endpointAdded('/users', 'POST')]);
  });

  it('keeps what a change of settings leaves out, of the routing member by member', () => {
    const { routingInfo, ...others } = SAMPLE_SETTINGS;
    const cors = {
      ...{ allowOrigins: ['*'], allowCredentials: false, allowMethods: ['GET'] },
      ...{ allowHeaders: [], exposeHeaders: [] },
    };
    const kept = { proxyId, ...others, routingInfo };
    const changed = given(apiProxyDecider, [proxyCreated]);
    changed.when({ type: 'ChangeSettings', settings: { cors } }).then([event('ProxyUpdated', { ...kept, cors })]);
    changed
      .when({ type: 'ChangeSettings', settings: { routingInfo: { retryCount: 7 } } })
      .then([event('ProxyUpdated', { ...kept, routingInfo: { ...routingInfo, retryCount: 7 } })]);
  });

  it('speaks no CORS any more when it is set to null', () => {
    const jsonErrorTemplate = { template: '{}' };
    const had = event('ProxyUpdated', { proxyId, ...SAMPLE_SETTINGS, jsonErrorTemplate });
    given(apiProxyDecider, [proxyCreated, had])
      .when({ type: 'ChangeSettings', settings: { jsonErrorTemplate: null } })
      .then([event('ProxyUpdated', { proxyId, ...SAMPLE_SETTINGS })]);
  });

  it('takes back the content of an earlier revision as a new one, and keeps its keys', () => {
    const deleted = event('ProxyDeleted', { proxyId });
    const then = contentOf(requireApiProxy(fold(apiProxyDecider, [proxyCreated, endpointAdded('/users')])));
    const rolledBack = event('RolledBack', { proxyId, toRevision: 2, content: then });
    const since = [
      ...[proxyCreated, endpointAdded('/users'), policyAdded('a', 1, AT_USERS)],
      ...[
        event('KeysChanged', { proxyId, keys }),
        event('ProxyUpdated', { proxyId, ...SAMPLE_SETTINGS, description: 'x' }),
      ],
    ];
    const command = { type: 'RollBack', toRevision: 2, content: then } as const;
    given(apiProxyDecider, since).when(command).then([rolledBack]);
    const after = requireApiProxy(fold(apiProxyDecider, [...since, rolledBack]));
    expect(contentOf(after)).toEqual(then);
    expect(after).toMatchObject({ revision: 5, keys });
    given(apiProxyDecider, [proxyCreated, deleted]).when(command).thenRefuses('NOT_FOUND');
  });
});

describe('an endpoint', () => {
  const atUsers = { name: '/users', httpMethod: 'GET' } as const;
  const history = [proxyCreated, endpointAdded('/users'), endpointAdded('/users', 'POST')];
  const backend = { ...sampleEndpoint('/users'), backendResourceUrl: '/people', backendHttpMethod: 'POST' };
  const updated = event('EndpointUpdated', { proxyId, endpoint: backend });

  it('that matches the same requests as another is refused, whatever its parameters are called', () => {
    given(apiProxyDecider, [proxyCreated, endpointAdded('/users/{id}')])
      .when({ type: 'AddEndpoint', endpoint: sampleEndpoint('/users/{name}') })
      .thenRefuses('CONFLICT');
    given(apiProxyDecider, [proxyCreated, endpointAdded('/users/{id}')])
      .when({ type: 'AddEndpoint', endpoint: sampleEndpoint('/users/{name}', 'POST') })
      .then([endpointAdded('/users/{name}', 'POST')]);
  });

  it('keeps what a change leaves out', () => {
    const change = { backendResourceUrl: '/people', backendHttpMethod: 'POST' };
    given(apiProxyDecider, history)
      .when({ type: 'UpdateEndpoint', ...atUsers, change })
      .then([updated]);
    const described = event('EndpointUpdated', { proxyId, endpoint: { ...backend, description: 'all' } });
    given(apiProxyDecider, [...history, updated])
      .when({ type: 'UpdateEndpoint', ...atUsers, change: { description: 'all' } })
      .then([described]);
  });

  it('that is changed stays where it stands, and no other changes', () => {
    const { endpoints, revision } = requireApiProxy(fold(apiProxyDecider, [...history, updated]));
    expect(endpoints).toEqual([backend, sampleEndpoint('/users', 'POST')]);
    expect(revision).toBe(4);
  });

  it.each([{ name: '/user' }, { httpMethod: 'PUT' }])(
    'that is not there can be neither changed nor deleted: %j',
    (at) => {
      const wrong = { ...atUsers, ...at };
      given(apiProxyDecider, history)
        .when({ type: 'UpdateEndpoint', ...wrong, change: {} })
        .thenRefuses('NOT_FOUND');
      given(apiProxyDecider, history)
        .when({ type: 'DeleteEndpoint', ...wrong, force: true })
        .thenRefuses('NOT_FOUND');
    },
  );

  it('is deleted by itself when it has no policies', () => {
    const deleted = event('EndpointDeleted', { proxyId, ...atUsers, policyNames: [] });
    given(apiProxyDecider, history)
      .when({ type: 'DeleteEndpoint', ...atUsers, force: false })
      .then([deleted]);
    const { endpoints } = requireApiProxy(fold(apiProxyDecider, [...history, deleted]));
    expect(endpoints).toEqual([sampleEndpoint('/users', 'POST')]);
  });

  it('with policies is deleted only together with them, in one event', () => {
    const atPost: PolicyPlace = { ...AT_USERS, httpMethod: 'POST' };
    const full = [...history, policyAdded('a', 1), policyAdded('u', 1, AT_USERS), policyAdded('v', 2, AT_USERS)];
    const all = [...full, policyAdded('w', 1, { ...AT_USERS, pipeline: 'ERROR' }), policyAdded('p', 1, atPost)];
    const deletion = { type: 'DeleteEndpoint', ...atUsers } as const;
    given(apiProxyDecider, all)
      .when({ ...deletion, force: false })
      .thenRefuses('CONFLICT');
    const deleted = event('EndpointDeleted', { proxyId, ...atUsers, policyNames: ['u', 'v', 'w'] });
    given(apiProxyDecider, all)
      .when({ ...deletion, force: true })
      .then([deleted]);
    const { policies } = requireApiProxy(fold(apiProxyDecider, [...all, deleted]));
    expect(policies.map(({ name }) => name)).toEqual(['a', 'p']);
  });
});

describe('adding a policy', () => {
  it('puts it last when no order is given, or one beyond the end', () => {
    for (const order of [undefined, 3, 99]) {
      given(apiProxyDecider, [proxyCreated, policyAdded('b', 1), policyAdded('c', 2)])
        .when({ ...add, order })
        .then([policyAdded('a', 3)]);
    }
  });

  it('puts it where it is wanted', () => {
    given(apiProxyDecider, [proxyCreated, policyAdded('b', 1)])
      .when({ ...add, order: 1 })
      .then([policyAdded('a', 1)]);
  });

  it('is refused when the name is taken, in whatever place', () => {
    const history = [proxyCreated, endpointAdded('/users'), policyAdded('a', 1)];
    given(apiProxyDecider, history).when(add).thenRefuses('CONFLICT');
    given(apiProxyDecider, history)
      .when({ ...add, place: AT_USERS })
      .thenRefuses('CONFLICT');
  });

  it('is refused at an endpoint that is not there', () => {
    given(apiProxyDecider, [proxyCreated])
      .when({ ...add, place: AT_USERS })
      .thenRefuses('VALIDATION_FAILED', 'operationMetadata.targetEndpoint');
    given(apiProxyDecider, [proxyCreated, endpointAdded('/users', 'POST')])
      .when({ ...add, place: AT_USERS })
      .thenRefuses('VALIDATION_FAILED', 'operationMetadata.targetEndpoint');
    given(apiProxyDecider, [proxyCreated, endpointAdded('/users')])
      .when({ ...add, place: AT_USERS })
      .then([policyAdded('a', 1, AT_USERS)]);
  });
});

describe('updating a policy', () => {
  const update = { ...add, type: 'UpdatePolicy' } as const;
  const history = [
    proxyCreated,
    endpointAdded('/users'),
    policyAdded('a', 1),
    policyAdded('b', 2),
    policyAdded('c', 3),
  ];
  const updated = (order: number, place: PolicyPlace = AT_REQUEST, to = policy) =>
    event('PolicyUpdated', { proxyId, name: 'a', place, order, policy: to });

  it('leaves it where it is when no order is given', () => {
    const changed = samplePolicy({ description: 'changed' });
    given(apiProxyDecider, history)
      .when({ ...update, policy: changed })
      .then([updated(1, AT_REQUEST, changed)]);
  });

  it('moves it within its place, at most to the end', () => {
    given(apiProxyDecider, history)
      .when({ ...update, order: 2 })
      .then([updated(2)]);
    given(apiProxyDecider, history)
      .when({ ...update, order: 99 })
      .then([updated(3)]);
  });

  it('moves it to the end of another place', () => {
    given(apiProxyDecider, history)
      .when({ ...update, place: AT_USERS })
      .then([updated(1, AT_USERS)]);
  });

  it('is refused when there is none of that name', () => {
    given(apiProxyDecider, history)
      .when({ ...update, name: 'd' })
      .thenRefuses('NOT_FOUND');
  });

  it('is refused when its type would change', () => {
    given(apiProxyDecider, history)
      .when({ ...update, policy: sampleVerification() })
      .thenRefuses('VALIDATION_FAILED', 'policy.type');
  });
});

describe('deleting a policy', () => {
  const history = [proxyCreated, endpointAdded('/users'), policyAdded('a', 1), policyAdded('u', 1, AT_USERS)];
  const remove = { type: 'DeletePolicy', endpoint: undefined, httpMethod: undefined } as const;

  it('takes it away from the place it has', () => {
    given(apiProxyDecider, history)
      .when({ ...remove, name: 'a', scope: 'ALL', pipeline: 'REQUEST' })
      .then([event('PolicyDeleted', { proxyId, name: 'a', place: AT_REQUEST })]);
  });

  it('finds one of an endpoint with and without the endpoint being named', () => {
    const deleted = event('PolicyDeleted', { proxyId, name: 'u', place: AT_USERS });
    const at = { ...remove, name: 'u', scope: 'ENDPOINT', pipeline: 'REQUEST' } as const;
    given(apiProxyDecider, history).when(at).then([deleted]);
    given(apiProxyDecider, history)
      .when({ ...at, endpoint: '/users', httpMethod: 'GET' })
      .then([deleted]);
  });

  it('is refused at another place than it has', () => {
    const at = { ...remove, name: 'u', scope: 'ENDPOINT', pipeline: 'REQUEST' } as const;
    for (const wrong of [
      { scope: 'ALL' },
      { pipeline: 'ERROR' },
      { endpoint: '/user' },
      { httpMethod: 'POST' },
      { name: 'x' },
    ] as const) {
      given(apiProxyDecider, history)
        .when({ ...at, ...wrong })
        .thenRefuses('NOT_FOUND');
    }
  });
});
