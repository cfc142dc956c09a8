import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiCall } from '../../http/api-call.ts';
import { NO_MEMBERS, readBody } from '../../http/bodies/request-bodies.ts';
import { success, type SuccessEnvelope } from '../../http/envelope.ts';
import { Asker } from '../../http/request-context.ts';
import type { RequestContext } from '../../persistence/unit-of-work.ts';
import { GET_DRIFT, REPAIR_DRIFT } from './drift.api.ts';
import { GetDrift, RepairDrift } from './drift.handlers.ts';

/** Whether an environment holds what is recorded. */
@Controller('apiops/environments/:environmentName/drift')
export class DriftController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Get()
  @ApiCall(GET_DRIFT)
  async drift(@Param('environmentName') name: string): Promise<SuccessEnvelope> {
    return success({ results: [await this.queries.execute(new GetDrift(name))] });
  }

  @Post()
  @HttpCode(200)
  @ApiCall(REPAIR_DRIFT)
  async repair(
    @Asker() asker: RequestContext,
    @Param('environmentName') name: string,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    readBody(NO_MEMBERS, body ?? {});
    return success({ results: [await this.commands.execute(new RepairDrift(asker, name))] });
  }
}
