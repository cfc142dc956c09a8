import { Body, Controller, Delete, HttpCode, Param, Post } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import type { z } from 'zod';
import { parseWith } from '#libs/policy-contracts';
import { invalid } from '../../decider/domain-error.ts';
import { EnvironmentNameCheck } from '../../deployment-requests/deployment-targets.ts';
import { ApiCall } from '../../http/api-call.ts';
import { requireJson } from '../../http/bodies/body-parsers.ts';
import { success, type SuccessEnvelope } from '../../http/envelope.ts';
import { readBody } from '../../http/bodies/request-bodies.ts';
import { Asker } from '../../http/request-context.ts';
import { withoutIgnored } from '../../http/bodies/vendor-members.ts';
import type { RequestContext } from '../../persistence/unit-of-work.ts';
import { DeployProxy, UndeployProxy, type DeploymentAddress } from './deployment-handlers.ts';
import {
  DEPLOY,
  DEPLOYMENT_CALLS,
  DEPLOYMENT_VENDOR_MEMBERS,
  environmentsInPromotion,
  PROMOTE,
  promotionFaults,
  UNDEPLOY,
} from './deployments.api.ts';
import { PromoteProxy } from './promote.handler.ts';

/** Where a proxy runs, without a change of its content (contract 4.2, 4.3). */
@Controller('apiops/projects/:projectName/apiProxies/:apiProxyName')
export class DeploymentsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly environments: EnvironmentNameCheck,
  ) {}

  @Post('environments/:environmentName')
  @HttpCode(200)
  @ApiCall(DEPLOYMENT_CALLS.deploy)
  async deploy(
    @Asker() asker: RequestContext,
    @Param() address: DeploymentAddress,
    @Body() sent: unknown,
  ): Promise<SuccessEnvelope> {
    const { body, warnings } = withoutIgnored(requireJson(sent) ?? {}, DEPLOYMENT_VENDOR_MEMBERS);
    const command = new DeployProxy(asker, address, readBody(DEPLOY, body));
    return success({ deploymentResult: await this.commands.execute(command), warnings });
  }

  @Delete('environments/:environmentName')
  @ApiCall(DEPLOYMENT_CALLS.undeploy)
  async undeploy(
    @Asker() asker: RequestContext,
    @Param() address: DeploymentAddress,
    @Body() sent: unknown,
  ): Promise<SuccessEnvelope> {
    const { body, warnings } = withoutIgnored(requireJson(sent) ?? {}, DEPLOYMENT_VENDOR_MEMBERS);
    const command = new UndeployProxy(asker, address, readBody(UNDEPLOY, body).description);
    return success({ deploymentResult: await this.commands.execute(command), warnings });
  }

  @Post('promote')
  @HttpCode(200)
  @ApiCall(DEPLOYMENT_CALLS.promote)
  async promote(
    @Asker() asker: RequestContext,
    @Param() address: Omit<DeploymentAddress, 'environmentName'>,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const promotion = await this.promotionIn(requireJson(body) ?? undefined);
    const to = promotion.deployStrategy?.waves.flat() ?? promotion.to;
    const command = new PromoteProxy(asker, address, { ...promotion, to });
    return success({ deploymentResult: await this.commands.execute(command) });
  }

  /** @throws DomainError VALIDATION_FAILED with every fault */
  private async promotionIn(body: unknown): Promise<z.infer<typeof PROMOTE>> {
    const parsed = parseWith(PROMOTE, body);
    const faults = parsed.ok ? promotionFaults(parsed.value) : parsed.faults;
    const all = [...faults, ...(await this.environments.faultsAt(environmentsInPromotion(body)))];
    if (all.length > 0 || !parsed.ok) throw invalid(all);
    return parsed.value;
  }
}
