import { Inject } from '@nestjs/common';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type pg from 'pg';
import { DATABASE } from '../../injection-tokens.ts';
import { resolveProject } from '../../persistence/project-scope.ts';
import { ReadModels } from '../../persistence/read-models.ts';
import { UnitOfWork } from '../../persistence/unit-of-work.ts';
import type { ClientRoute } from '../domain/index.ts';
import { apiProxiesProjection } from './api-proxies.projection.ts';

export interface ApiProxyListItem {
  readonly apiProxyName: string;
  readonly apiProxyDescription: string;
  readonly revision: number;
  readonly clientRoute: ClientRoute;
}

export class ListApiProxies extends Query<ApiProxyListItem[]> {
  constructor(readonly projectName: string) {
    super();
  }
}

@QueryHandler(ListApiProxies)
export class ListApiProxiesHandler implements IQueryHandler<ListApiProxies> {
  constructor(
    private readonly units: UnitOfWork,
    private readonly readModels: ReadModels,
    @Inject(DATABASE) private readonly database: pg.Pool,
  ) {}

  async execute({ projectName }: ListApiProxies): Promise<ApiProxyListItem[]> {
    const projectId = await this.units.read((unit) => resolveProject(unit, projectName));
    await this.readModels.upToDate(apiProxiesProjection);
    const found = await this.database.query<ApiProxyListItem>(
      `select name as "apiProxyName", description as "apiProxyDescription", revision, client_route as "clientRoute"
       from read_api_proxies where project_id = $1 order by name`,
      [projectId],
    );
    return found.rows;
  }
}
