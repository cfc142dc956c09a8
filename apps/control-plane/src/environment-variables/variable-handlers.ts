import { Inject } from '@nestjs/common';
import { Command, CommandHandler, Query, QueryHandler, type ICommandHandler, type IQueryHandler } from '@nestjs/cqrs';
import { randomUUID } from 'node:crypto';
import { DeploymentResults, type DeploymentResult } from '../deployment-requests/deployment-results.ts';
import type { RequestedDeployment } from '../deployment-requests/deployment-requests.ts';
import { VAULT } from '../injection-tokens.ts';
import { holdProject, resolveProject } from '../persistence/project-scope.ts';
import type { SecretVault } from '../persistence/secret-vault.ts';
import { UnitOfWork, type RequestContext, type Unit } from '../persistence/unit-of-work.ts';
import { ROOM_IN_PROJECT, type RoomInProject } from '../projects/limits/room-in-project.port.ts';
import {
  isChangedIn,
  requireVariable,
  variableDecider,
  variableStream,
  type ActiveVariable,
  type VariableContent,
} from './domain/environment-variable.decider.ts';
import { VARIABLE_USERS, type ChangedVariable, type VariableUsers } from './variable-users.port.ts';
import type { VariableRequest } from './variable-requests.ts';
import { keepValues, secretsIn } from './variable-values.ts';

export interface VariableView {
  readonly name: string;
  readonly description: string;
  readonly global: boolean;
  readonly globalValue: string | null;
  readonly globalVisible: boolean;
  readonly environmentValueList: readonly { environmentName: string; value: string | null; visible: boolean }[];
}

export class CreateVariable extends Command<DeploymentResult> {
  constructor(
    readonly context: RequestContext,
    readonly projectName: string,
    readonly request: VariableRequest,
  ) {
    super();
  }
}

export class UpdateVariable extends Command<DeploymentResult> {
  constructor(
    readonly context: RequestContext,
    readonly projectName: string,
    readonly request: VariableRequest,
  ) {
    super();
  }
}

export class DeleteVariable extends Command<DeploymentResult> {
  constructor(
    readonly context: RequestContext,
    readonly projectName: string,
    readonly name: string,
  ) {
    super();
  }
}

export class GetVariables extends Query<VariableView[]> {
  constructor(
    readonly projectName: string,
    /** Undefined: all of the project. */
    readonly name: string | undefined,
  ) {
    super();
  }
}

async function resolveVariable(unit: Unit, projectId: string, name: string): Promise<ActiveVariable> {
  const variableId = await unit.names.resolve('variable', projectId, name);
  return requireVariable((await unit.load(variableDecider, variableStream(variableId))).state);
}

const changeOf = (
  { projectId, name }: Pick<ActiveVariable, 'projectId' | 'name'>,
  before: VariableContent | undefined,
  after: VariableContent | undefined,
): ChangedVariable => ({
  ...{ projectId, name },
  isChangedIn: (environmentId) => isChangedIn(environmentId, before, after),
});

@CommandHandler(CreateVariable)
export class CreateVariableHandler implements ICommandHandler<CreateVariable> {
  constructor(
    private readonly units: UnitOfWork,
    private readonly results: DeploymentResults,
    @Inject(VAULT) private readonly vault: SecretVault,
    @Inject(VARIABLE_USERS) private readonly users: VariableUsers,
    @Inject(ROOM_IN_PROJECT) private readonly room: RoomInProject,
  ) {}

  async execute({ context, projectName, request }: CreateVariable): Promise<DeploymentResult> {
    const requested = await this.units.run(context, async (unit): Promise<RequestedDeployment[]> => {
      const projectId = await holdProject(unit, projectName);
      const variableId = randomUUID();
      const { name } = request;
      await this.room.forOneMore(unit, projectId, 'variables');
      await unit.names.take('variable', projectId, name, variableId);
      const content = await keepValues(unit, this.vault, request);
      const command = { type: 'CreateVariable', variableId, projectId, name, ...content } as const;
      await unit.change(variableDecider, variableStream(variableId), command);
      return this.users.deployAgain(unit, changeOf(command, undefined, content));
    });
    return this.results.of(requested);
  }
}

@CommandHandler(UpdateVariable)
export class UpdateVariableHandler implements ICommandHandler<UpdateVariable> {
  constructor(
    private readonly units: UnitOfWork,
    private readonly results: DeploymentResults,
    @Inject(VAULT) private readonly vault: SecretVault,
    @Inject(VARIABLE_USERS) private readonly users: VariableUsers,
  ) {}

  async execute({ context, projectName, request }: UpdateVariable): Promise<DeploymentResult> {
    const requested = await this.units.run(context, async (unit): Promise<RequestedDeployment[]> => {
      const projectId = await resolveProject(unit, projectName);
      const current = await resolveVariable(unit, projectId, request.name);
      const content = await keepValues(unit, this.vault, request);
      await unit.change(variableDecider, variableStream(current.variableId), { type: 'UpdateVariable', ...content });
      for (const secretId of secretsIn(current)) await this.vault.destroy(unit.transaction, secretId);
      return this.users.deployAgain(unit, changeOf(current, current, content));
    });
    return this.results.of(requested);
  }
}

@CommandHandler(DeleteVariable)
export class DeleteVariableHandler implements ICommandHandler<DeleteVariable> {
  constructor(
    private readonly units: UnitOfWork,
    private readonly results: DeploymentResults,
    @Inject(VAULT) private readonly vault: SecretVault,
    @Inject(VARIABLE_USERS) private readonly users: VariableUsers,
  ) {}

  async execute({ context, projectName, name }: DeleteVariable): Promise<DeploymentResult> {
    const requested = await this.units.run(context, async (unit): Promise<RequestedDeployment[]> => {
      const projectId = await resolveProject(unit, projectName);
      const current = await resolveVariable(unit, projectId, name);
      await unit.change(variableDecider, variableStream(current.variableId), { type: 'DeleteVariable' });
      for (const secretId of secretsIn(current)) await this.vault.destroy(unit.transaction, secretId);
      await unit.names.free('variable', projectId, name);
      return this.users.deployAgain(unit, changeOf(current, current, undefined));
    });
    return this.results.of(requested);
  }
}

function viewOf(variable: ActiveVariable, environmentNames: ReadonlyMap<string, string>): VariableView {
  const { name, description, globalValue, values } = variable;
  return {
    name,
    description,
    global: globalValue !== null,
    globalValue: globalValue?.kind === 'readable' ? globalValue.value : null,
    globalVisible: globalValue === null || globalValue.kind === 'readable',
    environmentValueList: Object.entries(values).map(([environmentId, value]) => ({
      environmentName: environmentNames.get(environmentId) ?? environmentId,
      value: value.kind === 'readable' ? value.value : null,
      visible: value.kind === 'readable',
    })),
  };
}

@QueryHandler(GetVariables)
export class GetVariablesHandler implements IQueryHandler<GetVariables> {
  constructor(private readonly units: UnitOfWork) {}

  execute({ projectName, name }: GetVariables): Promise<VariableView[]> {
    return this.units.read(async (unit) => {
      const projectId = await resolveProject(unit, projectName);
      const environments = await unit.names.all('environment', '');
      const environmentNames = new Map([...environments].map(([environmentName, id]) => [id, environmentName]));
      const names = name === undefined ? [...(await unit.names.all('variable', projectId)).keys()] : [name];
      const views: VariableView[] = [];
      for (const one of names) views.push(viewOf(await resolveVariable(unit, projectId, one), environmentNames));
      return views;
    });
  }
}
