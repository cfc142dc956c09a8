import { Inject, Injectable } from '@nestjs/common';
import type pg from 'pg';
import { ChannelUnavailable } from '#libs/config-distribution';
import { CHANNEL_UPKEEP, type ChannelUpkeep } from '../../channel-upkeep/channel-upkeep.port.ts';
import { KEY_SET_ORDERS, keySetOrdersVersions } from '../../channel-upkeep/identity-wishes.ts';
import type { ControlPlaneConfig } from '../../config/control-plane.config.ts';
import type {
  KeySetOrdersDelivery,
  ObeyingGateway,
  OrderedEnvironment,
  OrdersReach,
  OrdersResult,
} from '../../environments/key-sets/key-set-orders.port.ts';
import { CONTROL_PLANE_CONFIG, DATABASE } from '../../injection-tokens.ts';
import { UnitOfWork } from '../../persistence/unit-of-work.ts';
import { EnvironmentChannels } from '../channel/environment-channels.ts';
import { byGatewayId, obedienceOf } from '../channel/obedience-tally.ts';
import { untilObeyed } from '../channel/until-obeyed.ts';
import { isAddressInUse } from './addresses-in-use.ts';
import { outcomeOfObedience, outcomeUntold } from './orders-outcome.ts';

/** Has orders about key sets told to the gateways, and asks their leases who obeys. */
@Injectable()
export class ToldKeySetOrders implements KeySetOrdersDelivery {
  constructor(
    @Inject(CONTROL_PLANE_CONFIG) private readonly config: ControlPlaneConfig,
    @Inject(DATABASE) private readonly database: pg.Pool,
    @Inject(CHANNEL_UPKEEP) private readonly upkeep: ChannelUpkeep,
    private readonly channels: EnvironmentChannels,
    private readonly units: UnitOfWork,
  ) {}

  async deliver(environment: OrderedEnvironment, version: number): Promise<OrdersResult> {
    const { environmentId } = environment;
    const { upkeep, channels, config } = this;
    const told = () => this.toldVersion(environmentId, version);
    const obeyed = await untilObeyed(
      { upkeep, channels, timeoutMs: config.deployTimeoutMs },
      { environmentId, subject: KEY_SET_ORDERS.subject, told },
    );
    if (obeyed.kind === 'untold') return outcomeUntold(environment, version, obeyed.why);
    return outcomeOfObedience(environment, obeyed.number, obeyed.count);
  }

  async reachOf(environmentId: string): Promise<OrdersReach> {
    const { told, wished } = await keySetOrdersVersions(this.database, environmentId);
    const version = wished ?? told;
    const gateways = await this.obeying(environmentId, version ?? 0);
    return { version, isTold: version !== null && wished === null, gateways };
  }

  isFetchedFrom(environmentId: string, address: string): Promise<boolean | undefined> {
    return this.units.read((unit) => isAddressInUse(unit, environmentId, address));
  }

  private async obeying(environmentId: string, version: number): Promise<ObeyingGateway[] | null> {
    try {
      const { answers } = await this.channels.of(environmentId);
      const leases = await answers.live();
      return leases.map((lease) => obedienceOf(lease, KEY_SET_ORDERS.subject, version)).sort(byGatewayId);
    } catch (error) {
      if (error instanceof ChannelUnavailable) return null;
      throw error;
    }
  }

  /** That version or a later one, once the environment was given it. */
  private async toldVersion(environmentId: string, version: number): Promise<number | undefined> {
    const { told } = await keySetOrdersVersions(this.database, environmentId);
    return told !== null && told >= version ? told : undefined;
  }
}
