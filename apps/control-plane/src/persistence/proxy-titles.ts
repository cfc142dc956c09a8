import type { Queryable } from './secret-vault.ts';

/** What people call a proxy; null: it was deleted. */
export interface ProxyTitle {
  readonly projectName: string | null;
  readonly apiProxyName: string | null;
}

const NOBODY: ProxyTitle = { projectName: null, apiProxyName: null };

export async function proxyTitles(
  from: Queryable,
  proxyIds: readonly string[],
): Promise<(proxyId: string) => ProxyTitle> {
  const found = await from.query<ProxyTitle & { proxyId: string }>(
    `select proxies.entity_id as "proxyId", projects.name as "projectName", proxies.name as "apiProxyName"
     from names proxies join names projects on projects.kind = 'project' and projects.entity_id = proxies.scope
     where proxies.kind = 'api-proxy' and proxies.entity_id = any($1)`,
    [proxyIds],
  );
  const titles = new Map(found.rows.map(({ proxyId, ...title }) => [proxyId, title]));
  return (proxyId) => titles.get(proxyId) ?? NOBODY;
}
