import { Body, Controller, Get, Param, Put } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { DEPLOY_STRATEGY_SCHEMA, environmentsInWaves, parseWith, type DeployStrategy } from '#libs/policy-contracts';
import { invalid } from '../../decider/domain-error.ts';
import { EnvironmentNameCheck } from '../../deployment-requests/deployment-targets.ts';
import { ApiCall, type ApiCallFacts } from '../../http/api-call.ts';
import { requireJson } from '../../http/bodies/body-parsers.ts';
import { success, type SuccessEnvelope } from '../../http/envelope.ts';
import { faultsIn } from '../../http/bodies/request-bodies.ts';
import { Asker } from '../../http/request-context.ts';
import type { RequestContext } from '../../persistence/unit-of-work.ts';
import { ChangeDeployStrategy, GetDeployStrategy } from './deploy-strategy.handlers.ts';

const EXAMPLE = { waves: [['staging'], ['production']], stopOnFailure: true, minAppliedPercent: 100 };

const STRATEGY_CALLS = {
  read: {
    tag: 'Deployments',
    summary: 'In what order changes of a project reach its environments',
    description: 'An empty list when the project has no strategy: everywhere at once.',
    permission: 'VIEW',
    result: EXAMPLE,
  },
  change: {
    tag: 'Deployments',
    summary: 'Change in what order changes of a project reach its environments',
    description:
      'Whatever a change deploys to is taken in the order of the waves, environments that are in no wave last; a request ' +
      'with a `deployStrategy` of its own goes by that one. A wave begins when the one before it is acknowledged. An ' +
      'environment has acknowledged when `minAppliedPercent` of its live gateways have applied the deployment; it has failed ' +
      'when a gateway has rejected it before that, or nothing could be published. With `stopOnFailure` a failure cancels the waves that have not begun. ' +
      'The body `null` clears it. Rollouts that are under way stay as they are.',
    permission: 'MANAGE',
    body: { schema: DEPLOY_STRATEGY_SCHEMA, examples: { 'staging first': EXAMPLE } },
    result: EXAMPLE,
  },
} as const satisfies Readonly<Record<string, ApiCallFacts>>;

/** A project's default for deployments in waves (contract 4.3). */
@Controller('apiops/projects/:projectName/settings/deploy-strategy')
export class DeployStrategyController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    private readonly environments: EnvironmentNameCheck,
  ) {}

  @Get()
  @ApiCall(STRATEGY_CALLS.read)
  async read(@Param('projectName') projectName: string): Promise<SuccessEnvelope> {
    const strategy = await this.queries.execute(new GetDeployStrategy(projectName));
    return success({ results: strategy === null ? [] : [strategy] });
  }

  @Put()
  @ApiCall(STRATEGY_CALLS.change)
  async change(
    @Asker() asker: RequestContext,
    @Param('projectName') projectName: string,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const strategy = await this.strategyIn(requireJson(body));
    await this.commands.execute(new ChangeDeployStrategy(asker, projectName, strategy));
    return success({ results: strategy === null ? [] : [strategy] });
  }

  /** No body is not `null`: a strategy is not cleared by accident. */
  private async strategyIn(body: unknown): Promise<DeployStrategy | null> {
    if (body === null) return null;
    const parsed = parseWith(DEPLOY_STRATEGY_SCHEMA, body);
    const faults = [...faultsIn(parsed), ...(await this.environments.faultsAt(environmentsInWaves(body, '')))];
    if (faults.length > 0 || !parsed.ok) throw invalid(faults);
    return parsed.value;
  }
}
