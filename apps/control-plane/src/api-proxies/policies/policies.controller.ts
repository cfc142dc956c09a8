import {
  Body,
  Controller,
  Delete,
  Get,
  Headers,
  HttpCode,
  Inject,
  NotAcceptableException,
  Param,
  Post,
  Put,
  Query,
  Res,
} from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { FastifyReply } from 'fastify';
import {
  documentFaults,
  environmentNamesIn,
  environmentsInWaves,
  parseDeletionMetadata,
  parseOperationMetadata,
  type ContractWarning,
  type OperationMetadata,
  type PolicyContract,
  type ValidationFault,
} from '#libs/policy-contracts';
import { invalid, notFound } from '../../decider/domain-error.ts';
import { EnvironmentNameCheck } from '../../deployment-requests/deployment-targets.ts';
import { ApiCall } from '../../http/api-call.ts';
import { success, type SuccessEnvelope } from '../../http/envelope.ts';
import { faultsIn, pathName } from '../../http/bodies/request-bodies.ts';
import { Asker, showRevision } from '../../http/request-context.ts';
import type { RequestContext } from '../../persistence/unit-of-work.ts';
import { acceptedForm } from './accepted-form.ts';
import { conditionWarnings } from './condition-warnings.ts';
import { policyListView, policyView } from '../api-proxy-views.ts';
import { placementWarnings } from './placement-warnings.ts';
import { POLICY_CALLS } from './policies.api.ts';
import {
  AddPolicy,
  DeletePolicy,
  POLICY_ENVIRONMENTS_FIELD,
  POLICY_STRATEGY_FIELD,
  UpdatePolicy,
  type PolicyAddress,
} from './policy-handlers.ts';
import {
  conditionAlone,
  metadataFaults,
  policyDeletionOf,
  policyRequestOf,
  type QueryParameters,
  type RequestMembers,
} from './policy-requests.ts';
import { GetApiProxy } from '../proxies/get-api-proxy.handler.ts';
import { PROXY_CHECK, type ProxyCheck } from '../proxy-check.port.ts';
import { VARIABLE_VISIBILITIES, type VariableVisibilities } from '../variable-visibility.port.ts';
import { shownVariables, shownVariableWarnings } from './shown-variable-warnings.ts';
import { readPolicy } from './verify-jwt-xml/read-policy.ts';
import { verifyJwtToXml } from './verify-jwt-xml/verify-jwt-to-xml.ts';

interface PolicyRequest {
  readonly metadata: OperationMetadata;
  readonly policy: PolicyContract;
  readonly warnings: readonly ContractWarning[];
}

/** The policy calls of the seed (contract 4.1). */
@Controller('apiops/projects/:projectName/apiProxies/:apiProxyName/policies')
export class PoliciesController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    private readonly environmentNames: EnvironmentNameCheck,
    @Inject(PROXY_CHECK) private readonly check: ProxyCheck,
    @Inject(VARIABLE_VISIBILITIES) private readonly variables: VariableVisibilities,
  ) {}

  @Get()
  @ApiCall(POLICY_CALLS.list)
  async list(
    @Param() address: PolicyAddress,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SuccessEnvelope> {
    const proxy = await this.queries.execute(new GetApiProxy(address));
    showRevision(reply, proxy.revision);
    return success({ results: [policyListView(proxy)] });
  }

  @Get(':policyName')
  @ApiCall(POLICY_CALLS.one)
  async one(
    @Param() address: PolicyAddress,
    @Headers('accept') accept: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SuccessEnvelope | string> {
    const proxy = await this.queries.execute(new GetApiProxy(address));
    const placed = proxy.policies.find(({ name }) => name === address.policyName);
    if (placed === undefined) throw notFound(`Policy (name: ${address.policyName})`);
    const { name, policy } = placed;
    const form = acceptedForm(accept);
    const isXml = form !== 'json' && policy.type === 'policy-verify-jwt' && documentFaults(policy).length === 0;
    if (form === 'xml-only' && !isXml) throw new NotAcceptableException();
    showRevision(reply, proxy.revision);
    void reply.header('vary', 'Accept');
    if (!isXml) return success({ results: [policyView(proxy, placed)] });
    void reply.header('content-type', 'application/xml; charset=utf-8');
    return verifyJwtToXml(name, policy);
  }

  @Post(':policyName')
  @HttpCode(200)
  @ApiCall(POLICY_CALLS.add)
  async add(
    @Asker() asker: RequestContext,
    @Param() address: PolicyAddress,
    @Body() body: unknown,
    @Query() query: QueryParameters,
  ): Promise<SuccessEnvelope> {
    const { metadata, policy, warnings } = await this.read(address, policyRequestOf(body, query));
    return this.place(new AddPolicy(asker, address, metadata, policy), warnings);
  }

  @Put(':policyName')
  @ApiCall(POLICY_CALLS.replace)
  async replace(
    @Asker() asker: RequestContext,
    @Param() address: PolicyAddress,
    @Body() body: unknown,
    @Query() query: QueryParameters,
  ): Promise<SuccessEnvelope> {
    const { metadata, policy, warnings } = await this.read(address, policyRequestOf(body, query));
    return this.place(new UpdatePolicy(asker, address, metadata, policy), warnings);
  }

  @Delete(':policyName')
  @ApiCall(POLICY_CALLS.remove)
  async remove(
    @Asker() asker: RequestContext,
    @Param() address: PolicyAddress,
    @Body() body: unknown,
    @Query() query: QueryParameters,
  ): Promise<SuccessEnvelope> {
    const request = policyDeletionOf(body, query);
    const { members, faults } = request;
    const metadata = parseDeletionMetadata(members['operationMetadata']);
    const all = [...faults, ...metadataFaults(request, metadata), ...(await this.unknownEnvironments(members))];
    if (all.length > 0 || !metadata.ok) throw invalid(all);
    const { deploymentResult } = await this.commands.execute(new DeletePolicy(asker, address, metadata.value));
    return success({ deploymentResult });
  }

  private async place(
    command: AddPolicy | UpdatePolicy,
    warnings: readonly ContractWarning[],
  ): Promise<SuccessEnvelope> {
    const { proxy, deploymentResult } = await this.commands.execute(command);
    const { policyName } = command.address;
    return success({ deploymentResult, warnings: [...warnings, ...placementWarnings(proxy, policyName)] });
  }

  /** Every fault of the request together: its shape, both members, what gateways could not run, unknown environments. */
  private async read(address: PolicyAddress, request: RequestMembers): Promise<PolicyRequest> {
    const { members, faults } = request;
    pathName('policyName', address.policyName);
    const metadata = parseOperationMetadata(members['operationMetadata']);
    const policy = readPolicy(members['policy'], address.policyName);
    const unknown = await this.unknownEnvironments(members);
    const linked = policy.ok ? policy.value : conditionAlone(members['policy'], address.policyName);
    const cannotRun = linked === undefined ? [] : this.check.faultsOfPolicy(address.policyName, linked);
    const all = [...faults, ...metadataFaults(request, metadata), ...faultsIn(policy), ...cannotRun, ...unknown];
    if (all.length > 0 || !metadata.ok || !policy.ok) throw invalid(all);
    const warnings = [...metadata.warnings, ...policy.warnings, ...conditionWarnings(policy.value)];
    const shown = await this.shownVariables(address, policy.value);
    return { metadata: metadata.value, policy: policy.value, warnings: [...warnings, ...shown] };
  }

  private async shownVariables({ projectName }: PolicyAddress, policy: PolicyContract): Promise<ContractWarning[]> {
    const shown = shownVariables(policy);
    return shown.length === 0 ? [] : shownVariableWarnings(shown, await this.variables.of(projectName));
  }

  private async unknownEnvironments(members: RequestMembers['members']): Promise<ValidationFault[]> {
    const metadata = members['operationMetadata'];
    const strategy = (metadata as { deployStrategy?: unknown } | null | undefined)?.deployStrategy;
    return [
      ...(await this.environmentNames.faultsOf(environmentNamesIn(metadata), POLICY_ENVIRONMENTS_FIELD)),
      ...(await this.environmentNames.faultsAt(environmentsInWaves(strategy, POLICY_STRATEGY_FIELD))),
    ];
  }
}
