import { Inject, Injectable } from '@nestjs/common';
import type pg from 'pg';
import { openIdentity, putIdentity, type StoredIdentity } from '#libs/config-distribution';
import {
  endWish,
  epochToldOfAll,
  openWishes,
  passVersion,
  renewWish,
  type IdentityWish,
} from '../../channel-upkeep/identity-wishes.ts';
import { DATABASE } from '../../injection-tokens.ts';
import type { EnvironmentChannel } from '../channel/environment-channels.ts';
import { obeyedVersion } from '../channel/obedience-tally.ts';
import { IdentityContent } from './identity-content.ts';

const WISHES_PER_LOOK = 500;

/** Gateways go back behind no orders that they have obeyed, also when their Redis has lost these. */
async function highestObeyed({ answers }: EnvironmentChannel, subject: string): Promise<number> {
  const leases = await answers.live();
  return Math.max(0, ...leases.map((lease) => obeyedVersion(lease, subject) ?? 0));
}

/** Whether a record says what it should. @param found what is sealed in it; undefined: nothing that was sealed here */
const isSame = (found: unknown, held: StoredIdentity, content: unknown): boolean =>
  content === null ? held.sealed === null : JSON.stringify(found) === JSON.stringify(content);

/** Tells an environment of the users and key pairs that it is to hear of, and what its gateways are to obey. */
@Injectable()
export class IdentityTelling {
  constructor(
    private readonly identities: IdentityContent,
    @Inject(DATABASE) private readonly database: pg.Pool,
  ) {}

  /** @throws ChannelUnavailable */
  async tell(environment: EnvironmentChannel): Promise<void> {
    for (;;) {
      const wishes = await openWishes(this.database, environment.environmentId, WISHES_PER_LOOK);
      for (const wish of wishes) await this.carryOut(environment, wish);
      // Gateways follow the users whose tokens they see; one hint is enough for many. A lost one costs them a second.
      if (wishes.some(({ kind }) => kind === 'credential')) await environment.channel.nudge();
      if (wishes.length < WISHES_PER_LOOK) break;
    }
    await this.noteToldOfAll(environment);
  }

  /** Until then gateways do not say of anybody that he is not known. */
  private async noteToldOfAll({ environmentId, channel }: EnvironmentChannel): Promise<void> {
    if (await channel.isToldOfAll()) return;
    // Of the log that is known: who was told of in an earlier one is not in a newer one.
    const epoch = await epochToldOfAll(this.database, environmentId);
    if (epoch !== undefined) await channel.noteToldOfAll(epoch);
  }

  private async carryOut(environment: EnvironmentChannel, wish: IdentityWish): Promise<void> {
    const { kind, subject, version } = wish;
    const obeyed = kind === 'orders' ? await highestObeyed(environment, subject) : 0;
    if (obeyed > version) return this.goBehind(environment, wish, obeyed);
    if (!(await this.putInPlace(environment, wish))) return;
    // Whoever orders something is in a hurry, and waits until gateways obey.
    if (kind === 'orders') await environment.channel.nudge();
    await endWish(this.database, environment.environmentId, wish);
  }

  /** Whether the environment has the record now; false: the wish stays open. */
  private async putInPlace(environment: EnvironmentChannel, wish: IdentityWish): Promise<boolean> {
    const { channel, keys } = environment;
    const { kind, subject, version } = wish;
    const record = { kind, subject, version, content: await this.identities.of(wish) };
    if (await putIdentity(channel, keys, record)) return true;
    const held = await channel.identity(kind, subject);
    const found = held && openIdentity(keys, held);
    if (held?.version === version && isSame(found, held, record.content)) return true;
    // Not put there by us.
    if (held === undefined || found === undefined) return putIdentity(channel, keys, record, held?.version);
    // Another process was faster, or it is from before PostgreSQL was restored.
    await this.goBehind(environment, wish, held.version);
    return false;
  }

  /**
   * Of a wish that is still open, something else was told under its version or a later one: PostgreSQL came back from an older
   * backup.
   */
  private async goBehind(
    { environmentId, name, logger }: EnvironmentChannel,
    wish: IdentityWish,
    heldVersion: number,
  ): Promise<void> {
    await passVersion(this.database, heldVersion);
    if (!(await renewWish(this.database, environmentId, wish))) return;
    const { kind, version } = wish;
    logger.error(
      { environment: name, kind, version, heldVersion },
      'an environment was told versions of an identity that PostgreSQL does not know: versions go on behind them, with what is recorded',
    );
  }
}
