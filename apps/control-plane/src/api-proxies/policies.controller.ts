import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Put, Query, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { FastifyReply } from 'fastify';
import {
  environmentNamesIn,
  parseDeletionMetadata,
  parseOperationMetadata,
  parsePolicy,
  type ContractWarning,
  type OperationMetadata,
  type PolicyContract,
  type ValidationFault,
} from '#libs/policy-contracts';
import { invalid, notFound } from '../decider/domain-error.ts';
import { EnvironmentNameCheck } from '../deployment-requests/deployment-targets.ts';
import { success, type SuccessEnvelope } from '../http/envelope.ts';
import { faultsIn, pathName, settled } from '../http/request-bodies.ts';
import { Asker, showRevision } from '../http/request-context.ts';
import type { RequestContext } from '../persistence/unit-of-work.ts';
import { policyListView, policyView } from './api-proxy-views.ts';
import { PROXY_CHECK, type ProxyCheck } from './proxy-check.port.ts';
import {
  AddPolicy,
  DeletePolicy,
  GetApiProxy,
  POLICY_ENVIRONMENTS_FIELD,
  UpdatePolicy,
  type PolicyAddress,
} from './policy-handlers.ts';

interface PolicyRequest {
  readonly metadata: OperationMetadata;
  readonly policy: PolicyContract;
  readonly warnings: readonly ContractWarning[];
}

const MEMBERS = ['operationMetadata', 'policy'];

/** A body's two members; anything else in it, and anything but an object, is a fault. */
function membersOf(
  body: unknown,
  known: readonly string[],
): { members: Record<string, unknown>; faults: ValidationFault[] } {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw invalid([
      { field: 'body', code: 'wrong_type', message: `body must be an object with ${known.join(' and ')}` },
    ]);
  }
  const members = body as Record<string, unknown>;
  const faults = Object.keys(members)
    .filter((name) => !known.includes(name))
    .map((name) => ({ field: name, code: 'unknown_field', message: `${name} is not a known field` }));
  return { members, faults };
}

type QueryParameters = Readonly<Record<string, string | readonly string[]>>;

/** `operationMetadata` of a deletion as query parameters, for clients that send no body with DELETE (contract 4.1). */
function metadataInQuery(query: QueryParameters): Record<string, unknown> {
  if (Object.keys(query).length === 0) return {};
  const { deploy, deployTargetEnvironmentNameList: list, ...texts } = query;
  const flag = deploy === 'true' || deploy === 'false' ? deploy === 'true' : deploy;
  const names = list === undefined ? undefined : [list].flat().flatMap((text) => text.split(','));
  return { operationMetadata: { ...texts, deploy: flag, deployTargetEnvironmentNameList: names } };
}

/** The policy calls of the seed (contract 4.1). */
@Controller('apiops/projects/:projectName/apiProxies/:apiProxyName/policies')
export class PoliciesController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    private readonly environmentNames: EnvironmentNameCheck,
    @Inject(PROXY_CHECK) private readonly check: ProxyCheck,
  ) {}

  @Get()
  async list(
    @Param() address: PolicyAddress,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SuccessEnvelope> {
    const proxy = await this.queries.execute(new GetApiProxy(address));
    showRevision(reply, proxy.revision);
    return success({ results: [policyListView(proxy)] });
  }

  @Get(':policyName')
  async one(
    @Param() address: PolicyAddress,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SuccessEnvelope> {
    const proxy = await this.queries.execute(new GetApiProxy(address));
    showRevision(reply, proxy.revision);
    const policy = proxy.policies.find(({ name }) => name === address.policyName);
    if (policy === undefined) throw notFound(`Policy (name: ${address.policyName})`);
    return success({ results: [policyView(proxy, policy)] });
  }

  @Post(':policyName')
  @HttpCode(200)
  async add(
    @Asker() asker: RequestContext,
    @Param() address: PolicyAddress,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const { metadata, policy, warnings } = await this.read(address, body);
    const { deploymentResult } = await this.commands.execute(new AddPolicy(asker, address, metadata, policy));
    return success({ deploymentResult, warnings });
  }

  @Put(':policyName')
  async replace(
    @Asker() asker: RequestContext,
    @Param() address: PolicyAddress,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const { metadata, policy, warnings } = await this.read(address, body);
    const { deploymentResult } = await this.commands.execute(new UpdatePolicy(asker, address, metadata, policy));
    return success({ deploymentResult, warnings });
  }

  @Delete(':policyName')
  async remove(
    @Asker() asker: RequestContext,
    @Param() address: PolicyAddress,
    @Body() body: unknown,
    @Query() query: QueryParameters,
  ): Promise<SuccessEnvelope> {
    const { members, faults } = membersOf(body ?? metadataInQuery(query), ['operationMetadata']);
    const metadata = parseDeletionMetadata(members['operationMetadata']);
    if (faults.length > 0) throw invalid([...faults, ...faultsIn(metadata)]);
    const command = new DeletePolicy(asker, address, settled(metadata));
    const { deploymentResult } = await this.commands.execute(command);
    return success({ deploymentResult });
  }

  /** Every fault of the request together: its shape, both members, what gateways could not run, unknown environments. */
  private async read(address: PolicyAddress, body: unknown): Promise<PolicyRequest> {
    pathName('policyName', address.policyName);
    const { members, faults } = membersOf(body, MEMBERS);
    const metadata = parseOperationMetadata(members['operationMetadata']);
    const policy = parsePolicy(members['policy'], address.policyName);
    const names = environmentNamesIn(members['operationMetadata']);
    const unknown = await this.environmentNames.faultsOf(names, POLICY_ENVIRONMENTS_FIELD);
    const cannotRun = policy.ok ? this.check.faultsOfPolicy(address.policyName, policy.value) : [];
    const all = [...faults, ...faultsIn(metadata, policy), ...cannotRun, ...unknown];
    if (all.length > 0 || !metadata.ok || !policy.ok) throw invalid(all);
    return { metadata: metadata.value, policy: policy.value, warnings: policy.warnings };
  }
}
