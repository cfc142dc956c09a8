import { Body, Controller, Get, Param, Put } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { z } from 'zod';
import { withDefault } from '#libs/policy-contracts';
import { eachLimit, LARGEST_PROJECT_LIMIT, USUAL_PROJECT_LIMITS } from '../domain/project-limits.ts';
import { ApiCall, type ApiCallFacts } from '../../http/api-call.ts';
import { readBody } from '../../http/bodies/request-bodies.ts';
import { success, type SuccessEnvelope } from '../../http/envelope.ts';
import { Asker } from '../../http/request-context.ts';
import type { RequestContext } from '../../persistence/unit-of-work.ts';
import { ChangeProjectLimits, GetProjectLimits } from './project-limits.handlers.ts';

const LIMIT = withDefault(z.int().min(1).max(LARGEST_PROJECT_LIMIT).nullable(), null);
const CHANGE_LIMITS = z.strictObject(eachLimit(() => LIMIT));

const LIMIT_CALLS = {
  read: {
    tag: 'Projects',
    summary: 'How much a project may hold',
    permission: 'VIEW',
    result: USUAL_PROJECT_LIMITS,
  },
  change: {
    tag: 'Projects',
    summary: 'Change how much a project may hold',
    description:
      'Needs ADMIN in all projects: nobody sets limits for himself. A member that is left out or null goes by the ' +
      'settings of the control plane. What the project holds already stays; what would be one more than its limit is a 409.',
    permission: 'ADMIN',
    isForAllProjects: true,
    body: {
      schema: CHANGE_LIMITS,
      examples: { 'a small project': { proxies: 20, policiesPerProxy: 10 }, 'as every other': {} },
    },
    result: { ...USUAL_PROJECT_LIMITS, proxies: 20, policiesPerProxy: 10 },
  },
} as const satisfies Readonly<Record<string, ApiCallFacts>>;

@Controller('apiops/projects/:projectName/settings/limits')
export class ProjectLimitsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Get()
  @ApiCall(LIMIT_CALLS.read)
  async read(@Param('projectName') projectName: string): Promise<SuccessEnvelope> {
    return success({ results: [await this.queries.execute(new GetProjectLimits(projectName))] });
  }

  @Put()
  @ApiCall(LIMIT_CALLS.change)
  async change(
    @Asker() asker: RequestContext,
    @Param('projectName') projectName: string,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const limits = readBody(CHANGE_LIMITS, body);
    return success({ results: [await this.commands.execute(new ChangeProjectLimits(asker, projectName, limits))] });
  }
}
