import { Inject } from '@nestjs/common';
import { Command, CommandHandler, Query, QueryHandler, type ICommandHandler, type IQueryHandler } from '@nestjs/cqrs';
import type { ControlPlaneConfig } from '../../config/control-plane.config.ts';
import { eachLimit, type ProjectLimits } from '../domain/project-limits.ts';
import { CONTROL_PLANE_CONFIG } from '../../injection-tokens.ts';
import { holdProject, resolveProject } from '../../persistence/project-scope.ts';
import { UnitOfWork, type RequestContext } from '../../persistence/unit-of-work.ts';
import { projectDecider, projectStream, type OwnLimits, type ProjectState } from '../domain/project.decider.ts';

/** Limits of a project's own; null: that of the settings. What it holds already stays. */
export class ChangeProjectLimits extends Command<ProjectLimits> {
  constructor(
    readonly context: RequestContext,
    readonly projectName: string,
    readonly limits: OwnLimits,
  ) {
    super();
  }
}

export class GetProjectLimits extends Query<ProjectLimits> {
  constructor(readonly projectName: string) {
    super();
  }
}

const limitsIn = (state: ProjectState, usual: ProjectLimits): ProjectLimits =>
  eachLimit((name) => (state.status === 'active' ? state.limits?.[name] : null) ?? usual[name]);

@CommandHandler(ChangeProjectLimits)
export class ChangeProjectLimitsHandler implements ICommandHandler<ChangeProjectLimits> {
  constructor(
    private readonly units: UnitOfWork,
    @Inject(CONTROL_PLANE_CONFIG) private readonly config: ControlPlaneConfig,
  ) {}

  execute({ context, projectName, limits }: ChangeProjectLimits): Promise<ProjectLimits> {
    return this.units.run(context, async (unit) => {
      const projectId = await holdProject(unit, projectName);
      const command = { type: 'ChangeLimits', limits } as const;
      return limitsIn(await unit.change(projectDecider, projectStream(projectId), command), this.config.projectLimits);
    });
  }
}

@QueryHandler(GetProjectLimits)
export class GetProjectLimitsHandler implements IQueryHandler<GetProjectLimits> {
  constructor(
    private readonly units: UnitOfWork,
    @Inject(CONTROL_PLANE_CONFIG) private readonly config: ControlPlaneConfig,
  ) {}

  execute({ projectName }: GetProjectLimits): Promise<ProjectLimits> {
    return this.units.read(async (unit) => {
      const projectId = await resolveProject(unit, projectName);
      return limitsIn(await unit.peek(projectDecider, projectStream(projectId)), this.config.projectLimits);
    });
  }
}
