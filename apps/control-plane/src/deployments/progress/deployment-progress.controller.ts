import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Access } from '../../http/access/access.ts';
import { ApiCall, type ApiCallFacts } from '../../http/api-call.ts';
import { bearerIn } from '../../http/access/authentication.ts';
import { success, type SuccessEnvelope } from '../../http/envelope.ts';
import { ProgressStreams } from '../../http/progress-streams.ts';
import { RefusedRequest } from '../../http/refused-request.ts';
import { AskerAccess } from '../../http/request-context.ts';
import { TOKEN_DIRECTORY, type TokenDirectory } from '../../http/access/token-directory.port.ts';
import { GetDeployment, type DeploymentProgress } from './deployment-progress.query.ts';

const EXAMPLE = {
  ...{ id: 'production:7', projectName: 'shop', apiProxyName: 'orders', kind: 'publish', revision: 3 },
  ...{ username: 'ci', description: 'release 7', state: 'succeeded', settled: true, reason: null, wave: null },
  requestedAt: '2026-06-16T10:30:00.000Z',
  deploymentResult: {
    success: true,
    deploymentResults: [
      {
        ...{
          environmentName: 'production',
          success: true,
          message: 'Deployment successful',
          deployment: 7,
          revision: 3,
        },
        gateways: { live: 2, applied: 2, rejected: 0, pending: 0 },
        detailList: [{ gatewayId: 'gateway-1', success: true, detail: 'applied', responseTime: 12 }],
        warnings: [],
        deploymentId: 'production:7',
      },
    ],
  },
};

const IDS =
  '`id` is the `deploymentId` of a result (`<environment>:<deployment>`), or the `id` of a `deploymentResult` in waves. ' +
  'A token that may not see the project gets a 404.';

const PROGRESS_CALLS = {
  one: {
    tag: 'Deployments',
    summary: 'Progress of a deployment',
    description: IDS,
    permission: 'ANY_TOKEN',
    result: EXAMPLE,
  },
  stream: {
    tag: 'Deployments',
    summary: 'Progress of a deployment as server-sent events',
    description:
      `${IDS} An event \`progress\` whenever something is new, \`settled\` as the last one; each carries what the call ` +
      'without `stream` shows. Comments keep the connection alive in long silences. It ends with its token; 429 when the ' +
      'process has too many open.',
    permission: 'ANY_TOKEN',
    answer: {
      mediaType: 'text/event-stream',
      example: 'event: settled\ndata: {"id":"production:7","settled":true}\n\n',
    },
  },
} as const satisfies Readonly<Record<string, ApiCallFacts>>;

/** Progress of what a request deployed (contract 4.3). */
@Controller('apiops/deployments/:id')
export class DeploymentProgressController {
  constructor(
    private readonly queries: QueryBus,
    private readonly streams: ProgressStreams,
    @Inject(TOKEN_DIRECTORY) private readonly tokens: TokenDirectory,
  ) {}

  @Get()
  @ApiCall(PROGRESS_CALLS.one)
  async one(@Param('id') id: string, @AskerAccess() access: Access): Promise<SuccessEnvelope> {
    return success({ results: [await this.queries.execute(new GetDeployment(id, access))] });
  }

  /** Not Nest's `@Sse`, which answers 200 with an error event: what is not there is a 404 here too. */
  @Get('stream')
  @ApiCall(PROGRESS_CALLS.stream)
  async stream(
    @Param('id') id: string,
    @AskerAccess() access: Access,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const first = await this.queries.execute(new GetDeployment(id, access));
    if (this.streams.isFull) throw new RefusedRequest(429, 'too_many_requests', 'too many streams are open; try again');
    const look = () => this.seenBy(bearerIn(request) ?? '', id);
    void reply
      .header('content-type', 'text/event-stream; charset=utf-8')
      .header('cache-control', 'no-store')
      .header('x-accel-buffering', 'no')
      .send(this.streams.follow(first, look, reply.raw));
  }

  /** A stream may outlive the token that it was opened with. */
  private async seenBy(token: string, id: string): Promise<DeploymentProgress | undefined> {
    const standing = await this.tokens.standingOf(token);
    return standing.status === 'valid' ? this.queries.execute(new GetDeployment(id, standing.access)) : undefined;
  }
}
