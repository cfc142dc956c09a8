import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { DeployOrder } from '../../deployment-requests/deployment-targets.ts';
import type { RequestContext } from '../../persistence/unit-of-work.ts';
import type { ProxyAnswer } from '../proxies/api-proxy-handlers.ts';
import type { Endpoint, EndpointChange } from '../domain/index.ts';
import { ProxyChanges, type ProxyAddress } from '../proxy-changes.ts';

/** What finds an endpoint in its proxy. */
export type EndpointIdentifier = Pick<Endpoint, 'name' | 'httpMethod'>;

export class AddEndpoint extends Command<ProxyAnswer> {
  constructor(
    readonly context: RequestContext,
    readonly address: ProxyAddress,
    readonly endpoint: Endpoint,
    readonly order: DeployOrder,
  ) {
    super();
  }
}

export class UpdateEndpoint extends Command<ProxyAnswer> {
  constructor(
    readonly context: RequestContext,
    readonly address: ProxyAddress,
    readonly update: EndpointIdentifier & { readonly change: EndpointChange },
    readonly order: DeployOrder,
  ) {
    super();
  }
}

export class DeleteEndpoint extends Command<ProxyAnswer> {
  constructor(
    readonly context: RequestContext,
    readonly address: ProxyAddress,
    /** `force`: together with its policies. */
    readonly deletion: EndpointIdentifier & { readonly force: boolean },
    readonly order: DeployOrder,
  ) {
    super();
  }
}

@CommandHandler(AddEndpoint)
export class AddEndpointHandler implements ICommandHandler<AddEndpoint> {
  constructor(private readonly changes: ProxyChanges) {}

  execute({ context, address, endpoint, order }: AddEndpoint): Promise<ProxyAnswer> {
    return this.changes.change(context, address, { command: { type: 'AddEndpoint', endpoint }, order });
  }
}

@CommandHandler(UpdateEndpoint)
export class UpdateEndpointHandler implements ICommandHandler<UpdateEndpoint> {
  constructor(private readonly changes: ProxyChanges) {}

  execute({ context, address, update, order }: UpdateEndpoint): Promise<ProxyAnswer> {
    return this.changes.change(context, address, { command: { type: 'UpdateEndpoint', ...update }, order });
  }
}

@CommandHandler(DeleteEndpoint)
export class DeleteEndpointHandler implements ICommandHandler<DeleteEndpoint> {
  constructor(private readonly changes: ProxyChanges) {}

  execute({ context, address, deletion, order }: DeleteEndpoint): Promise<ProxyAnswer> {
    return this.changes.change(context, address, { command: { type: 'DeleteEndpoint', ...deletion }, order });
  }
}
