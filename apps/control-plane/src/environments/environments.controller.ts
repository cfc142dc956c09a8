import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiCall } from '../http/api-call.ts';
import { NO_MEMBERS, readBody } from '../http/bodies/request-bodies.ts';
import { success, type SuccessEnvelope } from '../http/envelope.ts';
import { Asker } from '../http/request-context.ts';
import type { RequestContext } from '../persistence/unit-of-work.ts';
import { DeleteEnvironment, UpdateEnvironment } from './change-environment-handlers.ts';
import { AddGatewayKey, CreateEnvironment, RevokeGatewayKey } from './environment-handlers.ts';
import { readEnvironment, readNewEnvironment } from './environment-requests.ts';
import { GetEnvironment, ListEnvironments, ListEnvironmentsOfProject, ListGatewayKeys } from './environment-views.ts';
import {
  ADD_GATEWAY_KEY,
  CREATE_ENVIRONMENT,
  DELETE_ENVIRONMENT,
  GET_ENVIRONMENT,
  LIST_ENVIRONMENTS,
  LIST_ENVIRONMENTS_OF_PROJECT,
  LIST_GATEWAY_KEYS,
  REPLACE_ENVIRONMENT,
  REVOKE_GATEWAY_KEY,
} from './environments.api.ts';

@Controller('apiops/environments')
export class EnvironmentsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Get()
  @ApiCall(LIST_ENVIRONMENTS)
  async list(): Promise<SuccessEnvelope> {
    return success({ results: await this.queries.execute(new ListEnvironments()) });
  }

  @Post()
  @HttpCode(200)
  @ApiCall(CREATE_ENVIRONMENT)
  async create(@Asker() asker: RequestContext, @Body() body: unknown): Promise<SuccessEnvelope> {
    const command = new CreateEnvironment(asker, readNewEnvironment(body));
    return success({ results: [await this.commands.execute(command)] });
  }

  @Get(':environmentName')
  @ApiCall(GET_ENVIRONMENT)
  async one(@Param('environmentName') name: string): Promise<SuccessEnvelope> {
    return success({ results: [await this.queries.execute(new GetEnvironment(name))] });
  }

  @Put(':environmentName')
  @ApiCall(REPLACE_ENVIRONMENT)
  async replace(
    @Asker() asker: RequestContext,
    @Param('environmentName') name: string,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const command = new UpdateEnvironment(asker, readEnvironment(name, body));
    const { view, deploymentResult, warnings } = await this.commands.execute(command);
    return success({ results: [view], deploymentResult, warnings });
  }

  @Delete(':environmentName')
  @ApiCall(DELETE_ENVIRONMENT)
  async remove(@Asker() asker: RequestContext, @Param('environmentName') name: string): Promise<SuccessEnvelope> {
    await this.commands.execute(new DeleteEnvironment(asker, name));
    return success();
  }

  @Get(':environmentName/keys')
  @ApiCall(LIST_GATEWAY_KEYS)
  async keys(@Param('environmentName') name: string): Promise<SuccessEnvelope> {
    return success({ results: await this.queries.execute(new ListGatewayKeys(name)) });
  }

  @Post(':environmentName/keys')
  @HttpCode(200)
  @ApiCall(ADD_GATEWAY_KEY)
  async addKey(
    @Asker() asker: RequestContext,
    @Param('environmentName') name: string,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    readBody(NO_MEMBERS, body ?? {});
    return success({ results: [await this.commands.execute(new AddGatewayKey(asker, name))] });
  }

  @Delete(':environmentName/keys/:keyId')
  @ApiCall(REVOKE_GATEWAY_KEY)
  async revokeKey(
    @Asker() asker: RequestContext,
    @Param('environmentName') name: string,
    @Param('keyId') keyId: string,
  ): Promise<SuccessEnvelope> {
    await this.commands.execute(new RevokeGatewayKey(asker, name, keyId));
    return success();
  }
}

@Controller('apiops/projects/:projectName/environments')
export class ProjectEnvironmentsController {
  constructor(private readonly queries: QueryBus) {}

  @Get()
  @ApiCall(LIST_ENVIRONMENTS_OF_PROJECT)
  async list(@Param('projectName') projectName: string): Promise<SuccessEnvelope> {
    return success({ results: await this.queries.execute(new ListEnvironmentsOfProject(projectName)) });
  }
}
