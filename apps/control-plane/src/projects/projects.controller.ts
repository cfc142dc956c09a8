import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { Access } from '../http/access/access.ts';
import { ApiCall } from '../http/api-call.ts';
import { success, type SuccessEnvelope } from '../http/envelope.ts';
import { readBody } from '../http/bodies/request-bodies.ts';
import { Asker, AskerAccess } from '../http/request-context.ts';
import type { RequestContext } from '../persistence/unit-of-work.ts';
import { CreateProject, DeleteProject, ListProjects } from './project-handlers.ts';
import { CREATE_PROJECT, PROJECT_CALLS } from './projects.api.ts';

@Controller('apiops/projects')
export class ProjectsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Get()
  @ApiCall(PROJECT_CALLS.list)
  async list(@AskerAccess() access: Access): Promise<SuccessEnvelope> {
    return success({ results: await this.queries.execute(new ListProjects(access.visibleProjects)) });
  }

  @Post()
  @HttpCode(200)
  @ApiCall(PROJECT_CALLS.create)
  async create(@Asker() asker: RequestContext, @Body() body: unknown): Promise<SuccessEnvelope> {
    const { name, description } = readBody(CREATE_PROJECT, body);
    const created = await this.commands.execute(new CreateProject(asker, name, description));
    return success({ results: [created] });
  }

  @Delete(':projectName')
  @ApiCall(PROJECT_CALLS.remove)
  async remove(@Asker() asker: RequestContext, @Param('projectName') name: string): Promise<SuccessEnvelope> {
    await this.commands.execute(new DeleteProject(asker, name));
    return success();
  }
}
