import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiCall } from '../../http/api-call.ts';
import { success, type SuccessEnvelope } from '../../http/envelope.ts';
import { Asker } from '../../http/request-context.ts';
import type { RequestContext } from '../../persistence/unit-of-work.ts';
import { readRevocation } from './revocation-requests.ts';
import { LIST_REVOCATIONS, REVOKE_TOKENS } from './revocations.api.ts';
import { ListRevocations } from './revocations.query.ts';
import { RevokeTokens } from './revoke-tokens.handler.ts';

/** Access tokens that gateways take no more, whatever their `exp` says. */
@Controller('apiops/environments/:environmentName/revocations')
export class RevocationsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Get()
  @ApiCall(LIST_REVOCATIONS)
  async list(@Param('environmentName') name: string): Promise<SuccessEnvelope> {
    return success({ results: await this.queries.execute(new ListRevocations(name)) });
  }

  @Post()
  @HttpCode(200)
  @ApiCall(REVOKE_TOKENS)
  async revoke(
    @Asker() asker: RequestContext,
    @Param('environmentName') name: string,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const command = new RevokeTokens(asker, name, readRevocation(body, Date.now()));
    return success({ results: [await this.commands.execute(command)] });
  }
}
