import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { ContractWarning } from '#libs/policy-contracts';
import { keySetOrdersVersions, wishKeySetOrders } from '../../channel-upkeep/identity-wishes.ts';
import { UnitOfWork, type RequestContext, type Unit } from '../../persistence/unit-of-work.ts';
import {
  environmentDecider,
  environmentStream,
  requireEnvironment,
  type EnvironmentCommand,
} from '../domain/environment.decider.ts';
import type { SetKey } from '../domain/key-set-orders.ts';
import {
  KEY_SET_ORDERS_DELIVERY,
  type KeySetOrdersDelivery,
  type OrderedEnvironment,
  type OrdersResult,
} from './key-set-orders.port.ts';

export type KeySetOrder =
  /** null: every set. */
  | { readonly kind: 'flush'; readonly uri: string | null }
  | ({ readonly kind: 'deny' } & SetKey)
  | ({ readonly kind: 'allow' } & SetKey);

export interface OrderedKeySets {
  readonly result: OrdersResult;
  readonly warnings: readonly ContractWarning[];
}

/** Addresses in it are as `keySetAddress` spells them. */
export class OrderKeySets extends Command<OrderedKeySets> {
  constructor(
    readonly context: RequestContext,
    readonly environmentName: string,
    readonly order: KeySetOrder,
  ) {
    super();
  }
}

const commandOf = (order: KeySetOrder, now: string): EnvironmentCommand => {
  if (order.kind === 'flush') return { type: 'FlushKeySets', uri: order.uri, now };
  const { uri, kid } = order;
  return { type: order.kind === 'deny' ? 'DenyKeyId' : 'AllowKeyId', uri, kid };
};

const UNNAMED: ContractWarning = {
  field: 'uri',
  message:
    'no policy that is deployed in the environment names this address in publicKey.jwks.uri; a variable may hold it',
};

/** Records what gateways are to do with key sets, and waits until they obey. */
@CommandHandler(OrderKeySets)
export class OrderKeySetsHandler implements ICommandHandler<OrderKeySets> {
  constructor(
    private readonly units: UnitOfWork,
    @Inject(KEY_SET_ORDERS_DELIVERY) private readonly delivery: KeySetOrdersDelivery,
  ) {}

  async execute({ context, environmentName, order }: OrderKeySets): Promise<OrderedKeySets> {
    const { environmentId, version } = await this.units.run(context, (unit) =>
      this.record(unit, environmentName, order),
    );
    const environment: OrderedEnvironment = { environmentId, environmentName };
    const [result, warnings] = await Promise.all([
      this.delivery.deliver(environment, version),
      this.warningsOf(environment, order),
    ]);
    return { result, warnings };
  }

  /** What is ordered already is not recorded again, but waited for. */
  private async record(
    unit: Unit,
    environmentName: string,
    order: KeySetOrder,
  ): Promise<{ environmentId: string; version: number }> {
    const environmentId = await unit.names.resolve('environment', '', environmentName);
    const streamId = environmentStream(environmentId);
    const before = requireEnvironment((await unit.load(environmentDecider, streamId)).state);
    const after = await unit.change(environmentDecider, streamId, commandOf(order, unit.now));
    const isNew = requireEnvironment(after).keySetOrders !== before.keySetOrders;
    if (isNew) return { environmentId, version: await wishKeySetOrders(unit.transaction, environmentId) };
    const { told, wished } = await keySetOrdersVersions(unit.transaction, environmentId);
    return { environmentId, version: wished ?? told ?? 0 };
  }

  private async warningsOf(
    { environmentId }: OrderedEnvironment,
    order: KeySetOrder,
  ): Promise<readonly ContractWarning[]> {
    if (order.kind === 'allow' || order.uri === null) return [];
    return (await this.delivery.isFetchedFrom(environmentId, order.uri)) === false ? [UNNAMED] : [];
  }
}
