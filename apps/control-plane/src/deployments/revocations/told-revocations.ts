import { Inject, Injectable } from '@nestjs/common';
import type pg from 'pg';
import type { TokenRevocation } from '#libs/token-revocations';
import { CHANNEL_UPKEEP, type ChannelUpkeep } from '../../channel-upkeep/channel-upkeep.port.ts';
import { toldSequence } from '../../channel-upkeep/token-revocations.ts';
import type { ControlPlaneConfig } from '../../config/control-plane.config.ts';
import type {
  RevocationOutcome,
  RevocationsDelivery,
  RevokingEnvironment,
} from '../../environments/revocations/revocations.port.ts';
import { CONTROL_PLANE_CONFIG, DATABASE } from '../../injection-tokens.ts';
import { EnvironmentChannels } from '../channel/environment-channels.ts';
import { untilObeyed } from '../channel/until-obeyed.ts';
import { outcomeOfObedience, outcomeUntold } from '../key-set-orders/orders-outcome.ts';

/** What gateways call it in their leases; the number beside it is the sequence of the ledger that they have read. */
const SUBJECT = 'revocations';

/** Has revocations told to the gateways, and asks their leases who obeys. */
@Injectable()
export class ToldRevocations implements RevocationsDelivery {
  constructor(
    @Inject(CONTROL_PLANE_CONFIG) private readonly config: ControlPlaneConfig,
    @Inject(DATABASE) private readonly database: pg.Pool,
    @Inject(CHANNEL_UPKEEP) private readonly upkeep: ChannelUpkeep,
    private readonly channels: EnvironmentChannels,
  ) {}

  async deliver(environment: RevokingEnvironment, revocation: TokenRevocation): Promise<RevocationOutcome> {
    const { environmentId } = environment;
    const { upkeep, channels, config } = this;
    const obeyed = await untilObeyed(
      { upkeep, channels, timeoutMs: config.deployTimeoutMs },
      { environmentId, subject: SUBJECT, told: () => toldSequence(this.database, environmentId, revocation) },
    );
    if (obeyed.kind === 'untold') return withoutVersion(outcomeUntold(environment, 0, obeyed.why));
    return withoutVersion(outcomeOfObedience(environment, obeyed.number, obeyed.count));
  }
}

const withoutVersion = ({
  success,
  message,
  gateways,
  detailList,
}: ReturnType<typeof outcomeUntold>): RevocationOutcome => ({ success, message, gateways, detailList });
