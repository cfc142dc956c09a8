import { Inject } from '@nestjs/common';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type pg from 'pg';
import { notFound } from '../decider/domain-error.ts';
import { DATABASE } from '../injection-tokens.ts';
import { resolveProject } from '../persistence/project-scope.ts';
import { ReadModels } from '../persistence/read-models.ts';
import { UnitOfWork } from '../persistence/unit-of-work.ts';
import {
  environmentDecider,
  environmentStream,
  requireEnvironment,
  type ExpiresInUnit,
} from './domain/environment.decider.ts';
import { environmentsProjection } from './environments.projection.ts';

export interface EnvironmentView {
  readonly name: string;
  readonly description: string;
  readonly tokenIssuer: string;
  readonly expiresInUnit: ExpiresInUnit;
  /** Whether it has a Redis of its own; the address is never told. */
  readonly ownRedis: boolean;
}

export class ListEnvironments extends Query<EnvironmentView[]> {}

export class GetEnvironment extends Query<EnvironmentView> {
  constructor(readonly name: string) {
    super();
  }
}

/** Every project may use every environment. */
export class ListEnvironmentsOfProject extends Query<(EnvironmentView & { environmentName: string })[]> {
  constructor(readonly projectName: string) {
    super();
  }
}

export class ListGatewayKeys extends Query<{ keyId: string }[]> {
  constructor(readonly environmentName: string) {
    super();
  }
}

const VIEW = `select name, description, token_issuer as "tokenIssuer", expires_in_unit as "expiresInUnit",
                own_redis as "ownRedis"
              from read_environments`;

@QueryHandler(ListEnvironments)
export class ListEnvironmentsHandler implements IQueryHandler<ListEnvironments> {
  constructor(
    private readonly readModels: ReadModels,
    @Inject(DATABASE) private readonly database: pg.Pool,
  ) {}

  async execute(_query: ListEnvironments): Promise<EnvironmentView[]> {
    await this.readModels.upToDate(environmentsProjection);
    return (await this.database.query<EnvironmentView>(`${VIEW} order by name`)).rows;
  }
}

@QueryHandler(GetEnvironment)
export class GetEnvironmentHandler implements IQueryHandler<GetEnvironment> {
  constructor(
    private readonly readModels: ReadModels,
    @Inject(DATABASE) private readonly database: pg.Pool,
  ) {}

  async execute({ name }: GetEnvironment): Promise<EnvironmentView> {
    await this.readModels.upToDate(environmentsProjection);
    const found = await this.database.query<EnvironmentView>(`${VIEW} where name = $1`, [name]);
    if (found.rows[0] === undefined) throw notFound(`Environment (name: ${name})`);
    return found.rows[0];
  }
}

@QueryHandler(ListEnvironmentsOfProject)
export class ListEnvironmentsOfProjectHandler implements IQueryHandler<ListEnvironmentsOfProject> {
  constructor(
    private readonly units: UnitOfWork,
    private readonly readModels: ReadModels,
    @Inject(DATABASE) private readonly database: pg.Pool,
  ) {}

  async execute({
    projectName,
  }: ListEnvironmentsOfProject): Promise<(EnvironmentView & { environmentName: string })[]> {
    await this.units.read((unit) => resolveProject(unit, projectName));
    await this.readModels.upToDate(environmentsProjection);
    const found = await this.database.query<EnvironmentView>(`${VIEW} order by name`);
    return found.rows.map((view) => ({ environmentName: view.name, ...view }));
  }
}

@QueryHandler(ListGatewayKeys)
export class ListGatewayKeysHandler implements IQueryHandler<ListGatewayKeys> {
  constructor(private readonly units: UnitOfWork) {}

  execute({ environmentName }: ListGatewayKeys): Promise<{ keyId: string }[]> {
    return this.units.read(async (unit) => {
      const environmentId = await unit.names.resolve('environment', '', environmentName);
      const { state } = await unit.load(environmentDecider, environmentStream(environmentId));
      return Object.keys(requireEnvironment(state).gatewayKeys).map((keyId) => ({ keyId }));
    });
  }
}
