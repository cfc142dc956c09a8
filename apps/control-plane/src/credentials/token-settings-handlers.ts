import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { RequestContext } from '../persistence/unit-of-work.ts';
import { CredentialChanges, type CredentialAddress } from './credential-changes.ts';
import type { ActiveCredential, CredentialCommand } from './domain/credential.decider.ts';
import { DEFAULT_TOKEN_SETTINGS, type TokenSettings, type TokenSettingsChange } from './domain/token-settings.ts';

/** Changes some settings and leaves the others; gives all as they are then. */
export class ChangeTokenSettings extends Command<TokenSettings> {
  constructor(
    readonly context: RequestContext,
    readonly address: CredentialAddress,
    readonly change: TokenSettingsChange,
  ) {
    super();
  }
}

export class ResetTokenSettings extends Command<TokenSettings> {
  constructor(
    readonly context: RequestContext,
    readonly address: CredentialAddress,
  ) {
    super();
  }
}

/** After a change there are some. */
const settingsOf = ({ tokenSettings }: ActiveCredential): TokenSettings => tokenSettings ?? DEFAULT_TOKEN_SETTINGS;

@CommandHandler(ChangeTokenSettings)
export class ChangeTokenSettingsHandler implements ICommandHandler<ChangeTokenSettings> {
  constructor(private readonly changes: CredentialChanges) {}

  async execute({ context, address, change }: ChangeTokenSettings): Promise<TokenSettings> {
    const command: CredentialCommand = { type: 'ChangeTokenSettings', change };
    return settingsOf(await this.changes.change(context, address, () => command));
  }
}

@CommandHandler(ResetTokenSettings)
export class ResetTokenSettingsHandler implements ICommandHandler<ResetTokenSettings> {
  constructor(private readonly changes: CredentialChanges) {}

  async execute({ context, address }: ResetTokenSettings): Promise<TokenSettings> {
    return settingsOf(await this.changes.change(context, address, () => ({ type: 'ResetTokenSettings' })));
  }
}
