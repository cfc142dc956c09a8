import { Inject, Injectable } from '@nestjs/common';
import type pg from 'pg';
import { endOf, type TokenRevocation } from '#libs/token-revocations';
import {
  forgetEndedRevocations,
  noteTold,
  untoldRevocations,
  type ToldRevocation,
  type UntoldKind,
} from '../../channel-upkeep/token-revocations.ts';
import { DATABASE } from '../../injection-tokens.ts';
import type { EnvironmentChannel } from '../channel/environment-channels.ts';

const REVOCATIONS_PER_STEP = 500;

/** A login by the old secret may be under way: it read the record of its user before that was replaced. */
const UNDER_WAY_SECONDS = 1;

/** Tells an environment which access tokens its gateways are to take no more. */
@Injectable()
export class RevocationTelling {
  constructor(@Inject(DATABASE) private readonly database: pg.Pool) {}

  /** What somebody asked for: before anything else, he is in a hurry. @throws RevocationLedgerUnavailable */
  tell(environment: EnvironmentChannel): Promise<void> {
    return this.tellKind(environment, false);
  }

  /** What comes of changed secrets: once these are told. @throws RevocationLedgerUnavailable */
  tellOfOldSecrets(environment: EnvironmentChannel): Promise<void> {
    return this.tellKind(environment, true);
  }

  /** An administrator's orders have room of their own: projects cannot take it from them. */
  private async tellKind(environment: EnvironmentChannel, isUntilTold: boolean): Promise<void> {
    await this.tellAll(environment, { isUntilTold, isOfProject: false });
    await this.tellAll(environment, { isUntilTold, isOfProject: true });
  }

  /** Recorded once more, a revocation changes nothing: whoever is killed in between does no harm. */
  private async tellAll(
    { environmentId, revocations: ledger, channel }: EnvironmentChannel,
    kind: UntoldKind,
  ): Promise<void> {
    for (;;) {
      const which = { ...kind, limit: REVOCATIONS_PER_STEP };
      const untold = await untoldRevocations(this.database, environmentId, which);
      if (untold.length === 0) return;
      const nowMs = Date.now();
      const told = kind.isUntilTold ? untold.map((one) => untilNow(one, nowMs)) : untold;
      const { sequence } = await ledger.record(told, nowMs, kind.isOfProject ? 'usual' : 'urgent');
      // A hint: gateways look each second anyway.
      await channel.nudge().catch(() => undefined);
      const revocations = untold.map((one, index): ToldRevocation => {
        const { issuedUntilSeconds: toldUntilSeconds, endsAtMs: toldEndsAtMs } = told[index] ?? one;
        return { ...one, toldUntilSeconds, toldEndsAtMs };
      });
      await noteTold(this.database, environmentId, { revocations, sequence });
      await forgetEndedRevocations(this.database, environmentId, nowMs);
    }
  }
}

/** The same for tokens issued until now, which end so much later. */
function untilNow(revocation: TokenRevocation, nowMs: number): TokenRevocation {
  const { issuedUntilSeconds: recorded, endsAtMs } = revocation;
  if (recorded === null) return revocation;
  const issuedUntilSeconds = Math.max(recorded, Math.floor(nowMs / 1_000) + UNDER_WAY_SECONDS);
  const laterByMs = (issuedUntilSeconds - recorded) * 1_000;
  return { ...revocation, issuedUntilSeconds, endsAtMs: endsAtMs === null ? null : endOf(endsAtMs + laterByMs) };
}
