import type { Unit } from './unit-of-work.ts';

/** Ids behind the names in a path. @throws DomainError NOT_FOUND naming what is not there. */
export const resolveProject = (unit: Unit, projectName: string): Promise<string> =>
  unit.names.resolve('project', '', projectName);

/** The same for whoever puts something into the project: it cannot be deleted meanwhile. @throws DomainError NOT_FOUND */
export const holdProject = (unit: Unit, projectName: string): Promise<string> =>
  unit.names.hold('project', '', projectName);

export async function resolveApiProxy(
  unit: Unit,
  at: { readonly projectName: string; readonly apiProxyName: string },
): Promise<{ projectId: string; proxyId: string }> {
  const { outerId: projectId, innerId: proxyId } = await unit.names.resolveInside(
    { kind: 'project', name: at.projectName },
    { kind: 'api-proxy', name: at.apiProxyName },
  );
  return { projectId, proxyId };
}
