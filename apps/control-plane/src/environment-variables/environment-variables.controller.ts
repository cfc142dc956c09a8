import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiCall } from '../http/api-call.ts';
import { success, type SuccessEnvelope } from '../http/envelope.ts';
import { Asker } from '../http/request-context.ts';
import type { RequestContext } from '../persistence/unit-of-work.ts';
import {
  CREATE_VARIABLE,
  DELETE_VARIABLE,
  GET_VARIABLE,
  LIST_VARIABLES,
  REPLACE_VARIABLE,
} from './environment-variables.api.ts';
import { CreateVariable, DeleteVariable, GetVariables, UpdateVariable } from './variable-handlers.ts';
import { readVariable } from './variable-requests.ts';

interface Address {
  readonly projectName: string;
  readonly name: string;
}

@Controller('apiops/projects/:projectName/environmentVariables')
export class EnvironmentVariablesController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Get()
  @ApiCall(LIST_VARIABLES)
  async list(@Param('projectName') projectName: string): Promise<SuccessEnvelope> {
    return success({ results: await this.queries.execute(new GetVariables(projectName, undefined)) });
  }

  @Get(':name')
  @ApiCall(GET_VARIABLE)
  async one(@Param() { projectName, name }: Address): Promise<SuccessEnvelope> {
    return success({ results: await this.queries.execute(new GetVariables(projectName, name)) });
  }

  @Post(':name')
  @HttpCode(200)
  @ApiCall(CREATE_VARIABLE)
  async create(
    @Asker() asker: RequestContext,
    @Param() { projectName, name }: Address,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const { request, warnings } = readVariable(name, body);
    const deploymentResult = await this.commands.execute(new CreateVariable(asker, projectName, request));
    return success({ deploymentResult, warnings });
  }

  @Put(':name')
  @ApiCall(REPLACE_VARIABLE)
  async replace(
    @Asker() asker: RequestContext,
    @Param() { projectName, name }: Address,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const { request, warnings } = readVariable(name, body);
    const deploymentResult = await this.commands.execute(new UpdateVariable(asker, projectName, request));
    return success({ deploymentResult, warnings });
  }

  @Delete(':name')
  @ApiCall(DELETE_VARIABLE)
  async remove(@Asker() asker: RequestContext, @Param() { projectName, name }: Address): Promise<SuccessEnvelope> {
    return success({ deploymentResult: await this.commands.execute(new DeleteVariable(asker, projectName, name)) });
  }
}
