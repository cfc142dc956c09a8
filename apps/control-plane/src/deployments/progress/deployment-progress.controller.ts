import { Controller, Get, Param, Sse, type MessageEvent } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import type { Observable } from 'rxjs';
import type { Access } from '../../http/access.ts';
import { ApiCall, type ApiCallFacts } from '../../http/api-call.ts';
import { success, type SuccessEnvelope } from '../../http/envelope.ts';
import { AskerAccess } from '../../http/request-context.ts';
import { GetDeployment } from './deployment-progress.query.ts';
import { DeploymentStreams } from './deployment-streams.ts';

const EXAMPLE = {
  ...{ id: 'production:7', projectName: 'shop', apiProxyName: 'orders', kind: 'publish', revision: 3 },
  ...{ username: 'ci', description: 'release 7', state: 'succeeded', settled: true, reason: null, wave: null },
  requestedAt: '2026-06-16T10:30:00.000Z',
  deploymentResult: {
    success: true,
    deploymentResults: [
      {
        ...{ environmentName: 'production', success: true, message: 'Deployment successful', deployment: 7, revision: 3 },
        gateways: { live: 2, applied: 2, rejected: 0, pending: 0 },
        detailList: [{ gatewayId: 'gateway-1', success: true, detail: 'applied', responseTime: 12 }],
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
      `${IDS} An event \`progress\` whenever something is new, \`settled\` as the last one, \`heartbeat\` in long silences; ` +
      'each carries what the call without `stream` shows.',
    permission: 'ANY_TOKEN',
    answer: { mediaType: 'text/event-stream', example: 'event: settled\nid: 1\ndata: {"id":"production:7","settled":true}\n\n' },
  },
} as const satisfies Readonly<Record<string, ApiCallFacts>>;

/** Progress of what a request deployed (contract 4.3). */
@Controller('apiops/deployments/:id')
export class DeploymentProgressController {
  constructor(
    private readonly queries: QueryBus,
    private readonly streams: DeploymentStreams,
  ) {}

  @Get()
  @ApiCall(PROGRESS_CALLS.one)
  async one(@Param('id') id: string, @AskerAccess() access: Access): Promise<SuccessEnvelope> {
    return success({ results: [await this.queries.execute(new GetDeployment(id, access))] });
  }

  @Sse('stream')
  @ApiCall(PROGRESS_CALLS.stream)
  async stream(@Param('id') id: string, @AskerAccess() access: Access): Promise<Observable<MessageEvent>> {
    const look = () => this.queries.execute(new GetDeployment(id, access));
    return this.streams.follow(await look(), look);
  }
}
