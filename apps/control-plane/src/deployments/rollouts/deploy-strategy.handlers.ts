import { Command, CommandHandler, Query, QueryHandler, type ICommandHandler, type IQueryHandler } from '@nestjs/cqrs';
import type { DeployStrategy } from '#libs/policy-contracts';
import { holdProject, resolveProject } from '../../persistence/project-scope.ts';
import { UnitOfWork, type RequestContext } from '../../persistence/unit-of-work.ts';
import { projectDecider, projectStream } from '../../projects/domain/project.decider.ts';

/** In what order changes of a project's proxies reach the environments; null: everywhere at once. */
export class ChangeDeployStrategy extends Command<void> {
  constructor(
    readonly context: RequestContext,
    readonly projectName: string,
    readonly strategy: DeployStrategy | null,
  ) {
    super();
  }
}

export class GetDeployStrategy extends Query<DeployStrategy | null> {
  constructor(readonly projectName: string) {
    super();
  }
}

@CommandHandler(ChangeDeployStrategy)
export class ChangeDeployStrategyHandler implements ICommandHandler<ChangeDeployStrategy> {
  constructor(private readonly units: UnitOfWork) {}

  async execute({ context, projectName, strategy }: ChangeDeployStrategy): Promise<void> {
    await this.units.run(context, async (unit) => {
      const projectId = await holdProject(unit, projectName);
      await unit.change(projectDecider, projectStream(projectId), { type: 'ChangeDeployStrategy', strategy });
    });
  }
}

@QueryHandler(GetDeployStrategy)
export class GetDeployStrategyHandler implements IQueryHandler<GetDeployStrategy> {
  constructor(private readonly units: UnitOfWork) {}

  execute({ projectName }: GetDeployStrategy): Promise<DeployStrategy | null> {
    return this.units.read(async (unit) => {
      const projectId = await resolveProject(unit, projectName);
      const { state } = await unit.load(projectDecider, projectStream(projectId));
      return state.status === 'active' ? state.deployStrategy : null;
    });
  }
}
