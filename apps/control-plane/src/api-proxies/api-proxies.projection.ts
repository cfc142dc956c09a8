import type { PostgresTransaction } from '#libs/event-store';
import { projection, type ProjectedEvent } from '../persistence/read-models.ts';
import type { ProxyCreated, ProxyUpdated, RolledBack } from './domain/api-proxy.events.ts';

const countRevision = (transaction: PostgresTransaction, event: ProjectedEvent) =>
  transaction.query('update read_api_proxies set revision = revision + 1 where proxy_id = $1', [
    (event.data as { proxyId: string }).proxyId,
  ]);

export const apiProxiesProjection = projection('api-proxies', 'read_api_proxies', {
  ProxyCreated: (transaction, event) => {
    const { proxyId, projectId, name, description } = event.data as ProxyCreated['data'];
    return transaction.query(
      `insert into read_api_proxies (proxy_id, project_id, name, description, revision) values ($1, $2, $3, $4, 1)`,
      [proxyId, projectId, name, description],
    );
  },
  ProxyUpdated: (transaction, event) => {
    const { proxyId, description } = event.data as ProxyUpdated['data'];
    return transaction.query(
      'update read_api_proxies set description = $2, revision = revision + 1 where proxy_id = $1',
      [proxyId, description],
    );
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
    return transaction.query(
      'update read_api_proxies set description = $2, revision = revision + 1 where proxy_id = $1',
      [proxyId, content.description],
    );
  },
});
