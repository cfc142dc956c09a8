import { Inject, Injectable } from '@nestjs/common';
import type pg from 'pg';
import { openIdentity, putIdentity } from '#libs/config-distribution';
import {
  endWish,
  openWishes,
  passVersion,
  renewWish,
  type IdentityWish,
} from '../../channel-upkeep/identity-wishes.ts';
import { DATABASE } from '../../injection-tokens.ts';
import type { EnvironmentChannel } from '../channel/environment-channels.ts';
import { IdentityContent } from './identity-content.ts';

const WISHES_PER_LOOK = 500;

/** Tells an environment of the users and key pairs that it is to hear of. */
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
      if (wishes.length < WISHES_PER_LOOK) return;
    }
  }

  private async carryOut(
    { environmentId, channel, keys, ...rest }: EnvironmentChannel,
    wish: IdentityWish,
  ): Promise<void> {
    const { kind, subject, version } = wish;
    const content = await this.identities.of(wish);
    if (!(await putIdentity(channel, keys, { kind, subject, version, content }))) {
      const held = await channel.identity(kind, subject);
      const isGenuine = held !== undefined && openIdentity(keys, held) !== undefined;
      if (isGenuine && held.version > version) {
        await this.goBehind({ environmentId, ...rest }, wish, held.version);
        return;
      }
      // Told by an earlier attempt or by another process; anything else in its place was not put there by us.
      const isTold = held?.version === version && (content === null ? held.sealed === null : isGenuine);
      const overwrite = () => putIdentity(channel, keys, { kind, subject, version, content }, held?.version);
      if (!isTold && !(await overwrite())) return;
    }
    await endWish(this.database, environmentId, wish);
  }

  /** A later record that was sealed here, of a wish that is still open: PostgreSQL came back from an older backup. */
  private async goBehind(
    { environmentId, name, logger }: Pick<EnvironmentChannel, 'environmentId' | 'name' | 'logger'>,
    wish: IdentityWish,
    heldVersion: number,
  ): Promise<void> {
    await passVersion(this.database, heldVersion);
    if (!(await renewWish(this.database, environmentId, wish))) return;
    const { kind, version } = wish;
    logger.error(
      { environment: name, kind, version, heldVersion },
      'Redis holds a later version of an identity than PostgreSQL knows of: versions go on behind it',
    );
  }
}
