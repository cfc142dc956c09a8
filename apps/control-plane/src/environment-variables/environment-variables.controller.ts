import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { success, type SuccessEnvelope } from '../http/envelope.ts';
import { Asker } from '../http/request-context.ts';
import type { RequestContext } from '../persistence/unit-of-work.ts';
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
  async list(@Param('projectName') projectName: string): Promise<SuccessEnvelope> {
    return success({ results: await this.queries.execute(new GetVariables(projectName, undefined)) });
  }

  @Get(':name')
  async one(@Param() { projectName, name }: Address): Promise<SuccessEnvelope> {
    return success({ results: await this.queries.execute(new GetVariables(projectName, name)) });
  }

  @Post(':name')
  @HttpCode(200)
  async create(
    @Asker() asker: RequestContext,
    @Param() { projectName, name }: Address,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const command = new CreateVariable(asker, projectName, readVariable(name, body));
    return success({ deploymentResult: await this.commands.execute(command) });
  }

  @Put(':name')
  async replace(
    @Asker() asker: RequestContext,
    @Param() { projectName, name }: Address,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const command = new UpdateVariable(asker, projectName, readVariable(name, body));
    return success({ deploymentResult: await this.commands.execute(command) });
  }

  @Delete(':name')
  async remove(@Asker() asker: RequestContext, @Param() { projectName, name }: Address): Promise<SuccessEnvelope> {
    return success({ deploymentResult: await this.commands.execute(new DeleteVariable(asker, projectName, name)) });
  }
}
