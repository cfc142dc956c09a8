import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { z } from 'zod';
import { withDefault } from '#libs/policy-contracts';
import { success, type SuccessEnvelope } from '../http/envelope.ts';
import { nameField, readBody } from '../http/request-bodies.ts';
import { Asker } from '../http/request-context.ts';
import type { RequestContext } from '../persistence/unit-of-work.ts';
import { CreateProject, DeleteProject, ListProjects } from './project-handlers.ts';

const CREATE = z.strictObject({ name: nameField, description: withDefault(z.string().max(1000), '') });

@Controller('apiops/projects')
export class ProjectsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Get()
  async list(): Promise<SuccessEnvelope> {
    return success({ results: await this.queries.execute(new ListProjects()) });
  }

  @Post()
  @HttpCode(200)
  async create(@Asker() asker: RequestContext, @Body() body: unknown): Promise<SuccessEnvelope> {
    const { name, description } = readBody(CREATE, body);
    const created = await this.commands.execute(new CreateProject(asker, name, description));
    return success({ results: [created] });
  }

  @Delete(':projectName')
  async remove(@Asker() asker: RequestContext, @Param('projectName') name: string): Promise<SuccessEnvelope> {
    await this.commands.execute(new DeleteProject(asker, name));
    return success();
  }
}
