import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { FastifyReply } from 'fastify';
import { ApiCall } from '../../http/api-call.ts';
import { success, type SuccessEnvelope } from '../../http/envelope.ts';
import { readBody } from '../../http/bodies/request-bodies.ts';
import { Asker, showRevision } from '../../http/request-context.ts';
import type { RequestContext } from '../../persistence/unit-of-work.ts';
import { pastApiProxyView } from '../past-api-proxy-view.ts';
import type { ProxyAddress } from '../proxy-changes.ts';
import { CompareRevisions, GetRevision, ListProxyEvents, ListRevisions } from './history-queries.ts';
import { COMPARISON, PAGE, REVISION, REVISION_ROLLBACK } from './history-requests.ts';
import { COMPARE, GET_REVISION, LIST_EVENTS, LIST_REVISIONS, ROLL_BACK_TO_REVISION } from './history.api.ts';
import { RollBackToRevision } from './rollback.handlers.ts';
import { rollbackView } from './rollback-view.ts';

type RevisionAddress = ProxyAddress & { readonly revision: string };

/** What happened to a proxy, and what it was (contract 4.2). `GET X/?at=` is beside `GET X/`. */
@Controller('apiops/projects/:projectName/apiProxies/:apiProxyName')
export class HistoryController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Get('events')
  @ApiCall(LIST_EVENTS)
  async events(@Param() address: ProxyAddress, @Query() query: unknown): Promise<SuccessEnvelope> {
    return success({ results: await this.queries.execute(new ListProxyEvents(address, readBody(PAGE, query))) });
  }

  @Get('revisions')
  @ApiCall(LIST_REVISIONS)
  async revisions(@Param() address: ProxyAddress, @Query() query: unknown): Promise<SuccessEnvelope> {
    return success({ results: await this.queries.execute(new ListRevisions(address, readBody(PAGE, query))) });
  }

  @Get('revisions/:revision')
  @ApiCall(GET_REVISION)
  async revision(
    @Param() address: RevisionAddress,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SuccessEnvelope> {
    const { revision } = readBody(REVISION, address);
    const proxy = await this.queries.execute(new GetRevision(address, revision));
    showRevision(reply, proxy.revision);
    return success({ results: [pastApiProxyView(proxy)] });
  }

  @Get('diff')
  @ApiCall(COMPARE)
  async diff(@Param() address: ProxyAddress, @Query() query: unknown): Promise<SuccessEnvelope> {
    const { from, to } = readBody(COMPARISON, query);
    return success({ results: await this.queries.execute(new CompareRevisions(address, from, to)) });
  }

  @Post('revisions/:revision/rollback')
  @HttpCode(200)
  @ApiCall(ROLL_BACK_TO_REVISION)
  async rollBack(
    @Asker() asker: RequestContext,
    @Param() address: RevisionAddress,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const { revision } = readBody(REVISION, address);
    const { deploy, deployTargetEnvironmentNameList: names, description } = readBody(REVISION_ROLLBACK, body ?? {});
    const order = { deploy, environmentNames: [...new Set(names)], field: 'deployTargetEnvironmentNameList' };
    const command = new RollBackToRevision(asker, { ...address, revision }, order, description);
    const rolledBack = await this.commands.execute(command);
    return success({ results: [rollbackView(rolledBack)], deploymentResult: rolledBack.deploymentResult });
  }
}
