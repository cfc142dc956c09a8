import { Command, CommandHandler, Query, QueryHandler, type ICommandHandler, type IQueryHandler } from '@nestjs/cqrs';
import { Inject } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { conflict } from '../decider/domain-error.ts';
import type { ProjectScope } from '../http/access/access.ts';
import { DATABASE } from '../injection-tokens.ts';
import { ReadModels } from '../persistence/read-models.ts';
import { UnitOfWork, type RequestContext } from '../persistence/unit-of-work.ts';
import { projectDecider, projectStream } from './domain/project.decider.ts';
import { projectsProjection } from './projects.projection.ts';

export class CreateProject extends Command<ProjectView> {
  constructor(
    readonly context: RequestContext,
    readonly name: string,
    readonly description: string,
  ) {
    super();
  }
}

export class DeleteProject extends Command<void> {
  constructor(
    readonly context: RequestContext,
    readonly name: string,
  ) {
    super();
  }
}

export class ListProjects extends Query<ProjectView[]> {
  constructor(readonly visible: ProjectScope) {
    super();
  }
}

export interface ProjectView {
  readonly name: string;
  readonly description: string;
}

@CommandHandler(CreateProject)
export class CreateProjectHandler implements ICommandHandler<CreateProject> {
  constructor(private readonly units: UnitOfWork) {}

  async execute({ context, name, description }: CreateProject): Promise<ProjectView> {
    return this.units.run(context, async (unit) => {
      const projectId = randomUUID();
      await unit.names.take('project', '', name, projectId);
      const command = { type: 'CreateProject', projectId, name, description } as const;
      await unit.change(projectDecider, projectStream(projectId), command);
      return { name, description };
    });
  }
}

@CommandHandler(DeleteProject)
export class DeleteProjectHandler implements ICommandHandler<DeleteProject> {
  constructor(private readonly units: UnitOfWork) {}

  async execute({ context, name }: DeleteProject): Promise<void> {
    await this.units.run(context, async (unit) => {
      const projectId = await unit.names.resolve('project', '', name);
      await unit.change(projectDecider, projectStream(projectId), { type: 'DeleteProject' });
      // Waits for whoever is putting something into the project, and keeps others from it: then it can be looked at.
      await unit.names.free('project', '', name);
      const inUse = await unit.transaction.query('select 1 from names where scope = $1 limit 1', [projectId]);
      if (inUse.rowCount !== 0)
        throw conflict(`Project (name: ${name}) still has proxies, credentials, variables or keys`);
    });
  }
}

@QueryHandler(ListProjects)
export class ListProjectsHandler implements IQueryHandler<ListProjects> {
  constructor(
    private readonly readModels: ReadModels,
    @Inject(DATABASE) private readonly database: pg.Pool,
  ) {}

  async execute({ visible }: ListProjects): Promise<ProjectView[]> {
    await this.readModels.upToDate(projectsProjection);
    const found = await this.database.query<ProjectView>(
      'select name, description from read_projects where $1::text[] is null or project_id = any($1) order by name',
      [visible === 'all' ? null : [...visible]],
    );
    return found.rows;
  }
}
