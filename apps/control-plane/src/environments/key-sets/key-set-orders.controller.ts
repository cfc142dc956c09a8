import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiCall } from '../../http/api-call.ts';
import { success, type SuccessEnvelope } from '../../http/envelope.ts';
import { Asker } from '../../http/request-context.ts';
import type { RequestContext } from '../../persistence/unit-of-work.ts';
import { readAllowance, readDenial, readFlush } from './key-set-orders-requests.ts';
import { ALLOW_KEY, DENY_KEY, FLUSH_KEY_SETS, GET_KEY_SET_ORDERS } from './key-set-orders.api.ts';
import { OrderKeySets, type KeySetOrder } from './key-set-orders.handlers.ts';
import { GetKeySetOrders } from './key-set-orders.query.ts';

/** Key sets that gateways fetch by address. */
@Controller('apiops/environments/:environmentName/jwks')
export class KeySetOrdersController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Get()
  @ApiCall(GET_KEY_SET_ORDERS)
  async orders(@Param('environmentName') name: string): Promise<SuccessEnvelope> {
    return success({ results: [await this.queries.execute(new GetKeySetOrders(name))] });
  }

  @Post('flush')
  @HttpCode(200)
  @ApiCall(FLUSH_KEY_SETS)
  flush(
    @Asker() asker: RequestContext,
    @Param('environmentName') name: string,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    return this.order(asker, name, { kind: 'flush', uri: readFlush(body) });
  }

  @Post('deny')
  @HttpCode(200)
  @ApiCall(DENY_KEY)
  deny(
    @Asker() asker: RequestContext,
    @Param('environmentName') name: string,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    return this.order(asker, name, { kind: 'deny', ...readDenial(body) });
  }

  @Delete('deny')
  @ApiCall(ALLOW_KEY)
  allow(
    @Asker() asker: RequestContext,
    @Param('environmentName') name: string,
    @Query() query: unknown,
  ): Promise<SuccessEnvelope> {
    return this.order(asker, name, { kind: 'allow', ...readAllowance(query) });
  }

  private async order(asker: RequestContext, name: string, order: KeySetOrder): Promise<SuccessEnvelope> {
    const { result, warnings } = await this.commands.execute(new OrderKeySets(asker, name, order));
    return success({ results: [result], warnings });
  }
}
