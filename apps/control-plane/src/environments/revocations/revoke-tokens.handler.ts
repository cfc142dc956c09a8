import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { TokenRevocation } from '#libs/token-revocations';
import { tokenLivesProjection, tokensEndAtMs } from '../../channel-upkeep/token-lives.ts';
import { revokeTokens, secondOf } from '../../channel-upkeep/token-revocations.ts';
import { ReadModels } from '../../persistence/read-models.ts';
import { UnitOfWork, type RequestContext } from '../../persistence/unit-of-work.ts';
import { issuedUntil, type RevocationRequest } from './revocation-requests.ts';
import { REVOCATIONS_DELIVERY, type RevocationOutcome, type RevocationsDelivery } from './revocations.port.ts';
import { revocationView, type RevocationView } from './revocation-view.ts';

export interface RevokedTokens extends RevocationView, RevocationOutcome {
  readonly environmentName: string;
}

export class RevokeTokens extends Command<RevokedTokens> {
  constructor(
    readonly context: RequestContext,
    readonly environmentName: string,
    readonly request: RevocationRequest,
  ) {
    super();
  }
}

/** Gateways know of it within a second: until then they refresh logins that are meant, and what they give is meant, too. */
const UNTIL_KNOWN_SECONDS = 1;

/** Records which tokens gateways are to take no more, and waits until they obey. */
@CommandHandler(RevokeTokens)
export class RevokeTokensHandler implements ICommandHandler<RevokeTokens> {
  constructor(
    private readonly units: UnitOfWork,
    private readonly readModels: ReadModels,
    @Inject(REVOCATIONS_DELIVERY) private readonly delivery: RevocationsDelivery,
  ) {}

  async execute({ context, environmentName, request }: RevokeTokens): Promise<RevokedTokens> {
    const { by, value, issuedBeforeMs } = request;
    const isShown = await this.readModels.upToDate(tokenLivesProjection);
    const { environmentId, revocation } = await this.units.run(context, async (unit) => {
      const environmentId = await unit.names.hold('environment', '', environmentName);
      const issuedUntilSeconds =
        issuedBeforeMs === undefined ? UNTIL_KNOWN_SECONDS + secondOf(unit.now) : issuedUntil(issuedBeforeMs);
      const endsAtMs = await tokensEndAtMs(unit.transaction, { isShown, projectId: undefined, now: unit.now });
      const revocation: TokenRevocation = { by, value, issuedUntilSeconds, endsAtMs };
      await revokeTokens(unit, environmentId, [revocation], {});
      return { environmentId, revocation };
    });
    const outcome = await this.delivery.deliver({ environmentId, environmentName }, revocation);
    return { environmentName, ...revocationView(revocation), ...outcome };
  }
}
