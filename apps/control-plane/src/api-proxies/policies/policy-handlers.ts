import { Command, CommandHandler, Query, QueryHandler, type ICommandHandler, type IQueryHandler } from '@nestjs/cqrs';
import {
  environmentsInWaves,
  type DeletionMetadata,
  type OperationMetadata,
  type PolicyContract,
} from '#libs/policy-contracts';
import type { DeployOrder } from '../../deployment-requests/deployment-targets.ts';
import { resolveApiProxy } from '../../persistence/project-scope.ts';
import { UnitOfWork, type RequestContext } from '../../persistence/unit-of-work.ts';
import type { ProxyAnswer } from '../proxies/api-proxy-handlers.ts';
import { apiProxyDecider, apiProxyStream, requireApiProxy, type ActiveApiProxy } from '../domain/index.ts';
import { ProxyChanges, type ProxyAddress } from '../proxy-changes.ts';

export interface PolicyAddress extends ProxyAddress {
  readonly policyName: string;
}

/** The list of environments as it stands in a policy request. */
export const POLICY_ENVIRONMENTS_FIELD = 'operationMetadata.deployTargetEnvironmentNameList';

/** The strategy as it stands in a policy request. */
export const POLICY_STRATEGY_FIELD = 'operationMetadata.deployStrategy';

type Destination = Pick<OperationMetadata, 'deploy' | 'environmentNames' | 'deployStrategy'>;

function orderOf({ deploy, environmentNames, deployStrategy: strategy }: Destination): DeployOrder {
  const order = { deploy, environmentNames, field: POLICY_ENVIRONMENTS_FIELD };
  if (strategy === undefined) return order;
  return { ...order, strategy, paths: environmentsInWaves(strategy, POLICY_STRATEGY_FIELD).map(({ path }) => path) };
}

export class AddPolicy extends Command<ProxyAnswer> {
  constructor(
    readonly context: RequestContext,
    readonly address: PolicyAddress,
    readonly metadata: OperationMetadata,
    readonly policy: PolicyContract,
  ) {
    super();
  }
}

export class UpdatePolicy extends Command<ProxyAnswer> {
  constructor(
    readonly context: RequestContext,
    readonly address: PolicyAddress,
    readonly metadata: OperationMetadata,
    readonly policy: PolicyContract,
  ) {
    super();
  }
}

export class DeletePolicy extends Command<ProxyAnswer> {
  constructor(
    readonly context: RequestContext,
    readonly address: PolicyAddress,
    readonly metadata: DeletionMetadata,
  ) {
    super();
  }
}

export class GetApiProxy extends Query<ActiveApiProxy> {
  constructor(readonly address: ProxyAddress) {
    super();
  }
}

@CommandHandler(AddPolicy)
export class AddPolicyHandler implements ICommandHandler<AddPolicy> {
  constructor(private readonly changes: ProxyChanges) {}

  execute({ context, address, metadata, policy }: AddPolicy): Promise<ProxyAnswer> {
    const { place, order } = metadata;
    const command = { type: 'AddPolicy', name: address.policyName, place, order, policy } as const;
    return this.changes.change(context, address, { command, order: orderOf(metadata) });
  }
}

@CommandHandler(UpdatePolicy)
export class UpdatePolicyHandler implements ICommandHandler<UpdatePolicy> {
  constructor(private readonly changes: ProxyChanges) {}

  execute({ context, address, metadata, policy }: UpdatePolicy): Promise<ProxyAnswer> {
    const { place, order } = metadata;
    const command = { type: 'UpdatePolicy', name: address.policyName, place, order, policy } as const;
    return this.changes.change(context, address, { command, order: orderOf(metadata) });
  }
}

@CommandHandler(DeletePolicy)
export class DeletePolicyHandler implements ICommandHandler<DeletePolicy> {
  constructor(private readonly changes: ProxyChanges) {}

  execute({ context, address, metadata }: DeletePolicy): Promise<ProxyAnswer> {
    const { scope, pipeline, endpoint, httpMethod } = metadata;
    const command = { type: 'DeletePolicy', name: address.policyName, scope, pipeline, endpoint, httpMethod } as const;
    return this.changes.change(context, address, { command, order: orderOf(metadata) });
  }
}

@QueryHandler(GetApiProxy)
export class GetApiProxyHandler implements IQueryHandler<GetApiProxy> {
  constructor(private readonly units: UnitOfWork) {}

  execute({ address }: GetApiProxy): Promise<ActiveApiProxy> {
    return this.units.read(async (unit) => {
      const { proxyId } = await resolveApiProxy(unit, address);
      return requireApiProxy((await unit.load(apiProxyDecider, apiProxyStream(proxyId))).state);
    });
  }
}
