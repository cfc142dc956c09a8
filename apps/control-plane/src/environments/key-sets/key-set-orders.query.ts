import { Inject } from '@nestjs/common';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type pg from 'pg';
import { DATABASE } from '../../injection-tokens.ts';
import { ReadModels } from '../../persistence/read-models.ts';
import { UnitOfWork } from '../../persistence/unit-of-work.ts';
import { KEY_SET_ORDERS_DELIVERY, type KeySetOrdersDelivery, type OrdersReach } from './key-set-orders.port.ts';
import { keySetOrdersProjection, type DenialRow, type FlushRow } from './key-set-orders.projection.ts';

export interface KeySetOrdersView extends OrdersReach {
  readonly environmentName: string;
  /** The last one of each set, oldest first; one of every set stands for those before it. */
  readonly flushes: readonly FlushRow[];
  /** In the order in which they were denied. */
  readonly denied: readonly DenialRow[];
}

export class GetKeySetOrders extends Query<KeySetOrdersView> {
  constructor(readonly environmentName: string) {
    super();
  }
}

@QueryHandler(GetKeySetOrders)
export class GetKeySetOrdersHandler implements IQueryHandler<GetKeySetOrders> {
  constructor(
    private readonly units: UnitOfWork,
    private readonly readModels: ReadModels,
    @Inject(DATABASE) private readonly database: pg.Pool,
    @Inject(KEY_SET_ORDERS_DELIVERY) private readonly delivery: KeySetOrdersDelivery,
  ) {}

  async execute({ environmentName }: GetKeySetOrders): Promise<KeySetOrdersView> {
    const environmentId = await this.units.read((unit) => unit.names.resolve('environment', '', environmentName));
    await this.readModels.upToDate(keySetOrdersProjection);
    const found = await this.database.query<{ flushes: FlushRow[]; denied: DenialRow[] }>(
      'select flushes, denied from read_key_set_orders where environment_id = $1',
      [environmentId],
    );
    const { flushes = [], denied = [] } = found.rows[0] ?? {};
    return { environmentName, ...(await this.delivery.reachOf(environmentId)), flushes, denied };
  }
}
