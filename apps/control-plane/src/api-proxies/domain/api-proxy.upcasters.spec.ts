import { describe, expect, it } from '@jest/globals';
import type { RecordedEvent } from '#libs/event-store';
import { fold } from '../../decider/decider.ts';
import { apiProxyDecider } from './api-proxy.decider.ts';
import { requireApiProxy } from './api-proxy.state.ts';
import { API_PROXY_UPCASTERS } from './api-proxy.upcasters.ts';

/** As version 1 wrote it: never to be changed. */
const FROZEN = {
  eventId: '00000000-0000-4000-8000-000000000001',
  streamId: 'apiProxy-p-1',
  streamVersion: 1,
  recordedAt: '2026-11-20T10:00:00.000Z',
  metadata: { actor: 'admin', requestId: 'r-1' },
  type: 'ProxyCreated',
  schemaVersion: 1,
  data: {
    proxyId: 'p-1',
    projectId: 'j-1',
    project: 'shop',
    name: 'orders',
    description: 'orders of the shop',
    clientRoute: { relativePathList: ['/orders'], methodList: ['ALL'], hostList: [] },
    routingInfo: {
      routingAddressList: [{ address: 'http://127.0.0.1:1/base', weight: 100 }],
      connectTimeoutSeconds: 3,
      readTimeoutSeconds: 60,
      retryCount: 1,
    },
    keys: { publicKey: 'public', secretKey: { secretId: 's-1', fingerprint: 'f1' } },
  },
} as unknown as RecordedEvent;

const upcasters = new Map(API_PROXY_UPCASTERS);

describe('an event of the first version', () => {
  it.each(['ProxyCreated', 'ProxyUpdated'])('%s gets what version 2 says of every proxy', (type) => {
    const { schemaVersion, data } = upcasters.get(`${type}@1`)?.({ ...FROZEN, type }) ?? FROZEN;
    expect({ schemaVersion, data }).toMatchObject({
      schemaVersion: 2,
      data: {
        name: 'orders',
        clientRoute: { relativePathList: ['/orders'], methodList: ['ALL'], hostList: [], headerList: [] },
        routingInfo: { retryCount: 1, loadBalanceAlgorithm: 'ROUND_ROBIN' },
        cors: null,
        jsonErrorTemplate: null,
      },
    });
  });

  it.each(['ProxyCreated', 'ProxyUpdated'])('%s of version 2 had no XML template', (type) => {
    const event = { ...FROZEN, type, schemaVersion: 2 };
    const { schemaVersion, data } = upcasters.get(`${type}@2`)?.(event) ?? event;
    expect({ schemaVersion, data }).toEqual({
      schemaVersion: 3,
      data: { ...(FROZEN.data as object), xmlErrorTemplate: null },
    });
  });

  it('RolledBack of version 1 brought back none', () => {
    const event = { ...FROZEN, type: 'RolledBack', data: { toRevision: 1, content: { jsonErrorTemplate: null } } };
    const { schemaVersion, data } = upcasters.get('RolledBack@1')?.(event) ?? event;
    const content = { jsonErrorTemplate: null, xmlErrorTemplate: null };
    expect({ schemaVersion, data }).toEqual({ schemaVersion: 2, data: { toRevision: 1, content } });
  });

  it('claims every method where it named none', () => {
    const data = FROZEN.data as { clientRoute: object };
    const routed = { ...FROZEN, data: { ...data, clientRoute: { ...data.clientRoute, methodList: [] } } };
    const event = upcasters.get('ProxyCreated@1')?.(routed) ?? FROZEN;
    expect(requireApiProxy(fold(apiProxyDecider, [event])).clientRoute.methodList).toEqual(['ALL']);
  });

  it('makes a proxy like one of today', () => {
    const event = upcasters.get('ProxyCreated@1')?.(FROZEN) ?? FROZEN;
    const proxy = requireApiProxy(fold(apiProxyDecider, [event]));
    expect(proxy.clientRoute.headerList).toEqual([]);
    expect(proxy.routingInfo.loadBalanceAlgorithm).toBe('ROUND_ROBIN');
  });
});
