import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import {
  environmentsInWaves,
  type DeletionMetadata,
  type OperationMetadata,
  type PolicyContract,
} from '#libs/policy-contracts';
import type { DeployOrder } from '../../deployment-requests/deployment-targets.ts';
import type { RequestContext } from '../../persistence/unit-of-work.ts';
import type { ProxyAnswer } from '../proxies/api-proxy-handlers.ts';
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

/** The change that puts a policy where its metadata say, and where it is to be deployed. */
function placing<Type extends 'AddPolicy' | 'UpdatePolicy'>(
  type: Type,
  name: string,
  metadata: OperationMetadata,
  policy: PolicyContract,
) {
  const { place, order } = metadata;
  return { command: { type, name, place, order, policy }, order: orderOf(metadata) };
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

@CommandHandler(AddPolicy)
export class AddPolicyHandler implements ICommandHandler<AddPolicy> {
  constructor(private readonly changes: ProxyChanges) {}

  execute({ context, address, metadata, policy }: AddPolicy): Promise<ProxyAnswer> {
    return this.changes.change(context, address, placing('AddPolicy', address.policyName, metadata, policy));
  }
}

@CommandHandler(UpdatePolicy)
export class UpdatePolicyHandler implements ICommandHandler<UpdatePolicy> {
  constructor(private readonly changes: ProxyChanges) {}

  execute({ context, address, metadata, policy }: UpdatePolicy): Promise<ProxyAnswer> {
    return this.changes.change(context, address, placing('UpdatePolicy', address.policyName, metadata, policy));
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
