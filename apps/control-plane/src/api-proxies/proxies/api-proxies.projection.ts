import { rowProjection, whenThere, withoutRow } from '../../persistence/row-projection.ts';
import type { ApiProxyEvent, ClientRoute, KeysChanged, ProxySettings } from '../domain/api-proxy.events.ts';

interface ApiProxyRow {
  readonly proxy_id: string;
  readonly project_id: string;
  readonly name: string;
  readonly description: string;
  readonly revision: number;
  readonly client_route: ClientRoute;
}

type Told = Exclude<ApiProxyEvent, KeysChanged>;

const settingsOf = ({ description, clientRoute }: ProxySettings) => ({ description, client_route: clientRoute });

const nextRevision = whenThere<ApiProxyRow, Told>((row) => ({ ...row, revision: row.revision + 1 }));

export const apiProxiesProjection = rowProjection<ApiProxyRow, Told>({
  ...{ name: 'api-proxies', table: 'read_api_proxies', key: 'proxy_id' },
  columns: {
    ...{ proxy_id: 'text', project_id: 'text', name: 'text', description: 'text', revision: 'integer' },
    client_route: 'jsonb',
  },
  keyOf: ({ data }) => data.proxyId,
  evolve: {
    ProxyCreated: (_, { data }) => ({
      ...{ proxy_id: data.proxyId, project_id: data.projectId, name: data.name, revision: 1 },
      ...settingsOf(data),
    }),
    ProxyUpdated: whenThere((row, { data }) => ({ ...row, ...settingsOf(data), revision: row.revision + 1 })),
    ProxyDeleted: withoutRow,
    EndpointAdded: nextRevision,
    EndpointUpdated: nextRevision,
    EndpointDeleted: nextRevision,
    PolicyAdded: nextRevision,
    PolicyUpdated: nextRevision,
    PolicyDeleted: nextRevision,
    RolledBack: whenThere((row, { data: { content } }) => ({
      ...row,
      ...settingsOf(content),
      revision: row.revision + 1,
    })),
  },
});
