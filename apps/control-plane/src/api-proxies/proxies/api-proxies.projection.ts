import type { PostgresTransaction } from '#libs/event-store';
import { projection, type ProjectedEvent } from '../../persistence/read-models.ts';
import type { ProxyCreated, ProxySettings, ProxyUpdated, RolledBack } from '../domain/api-proxy.events.ts';

const countRevision = (transaction: PostgresTransaction, event: ProjectedEvent) =>
  transaction.query('update read_api_proxies set revision = revision + 1 where proxy_id = $1', [
    (event.data as { proxyId: string }).proxyId,
  ]);

const showSettings = (transaction: PostgresTransaction, proxyId: string, settings: ProxySettings) =>
  transaction.query(
    `update read_api_proxies set description = $2, client_route = $3, revision = revision + 1 where proxy_id = $1`,
    [proxyId, settings.description, JSON.stringify(settings.clientRoute)],
  );

export const apiProxiesProjection = projection('api-proxies', 'read_api_proxies', {
  ProxyCreated: (transaction, event) => {
    const { proxyId, projectId, name, description, clientRoute } = event.data as ProxyCreated['data'];
    return transaction.query(
      `insert into read_api_proxies (proxy_id, project_id, name, description, revision, client_route)
       values ($1, $2, $3, $4, 1, $5)`,
      [proxyId, projectId, name, description, JSON.stringify(clientRoute)],
    );
  },
  ProxyUpdated: (transaction, event) => {
    const data = event.data as ProxyUpdated['data'];
    return showSettings(transaction, data.proxyId, data);
  },
  ProxyDeleted: (transaction, event) =>
    transaction.query('delete from read_api_proxies where proxy_id = $1', [
      (event.data as { proxyId: string }).proxyId,
    ]),
  EndpointAdded: countRevision,
  EndpointUpdated: countRevision,
  EndpointDeleted: countRevision,
  PolicyAdded: countRevision,
  PolicyUpdated: countRevision,
  PolicyDeleted: countRevision,
  RolledBack: (transaction, event) => {
    const { proxyId, content } = event.data as RolledBack['data'];
    return showSettings(transaction, proxyId, content);
  },
});
