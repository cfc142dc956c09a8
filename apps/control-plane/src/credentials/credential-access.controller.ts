import { Body, Controller, Delete, Get, Param, Put } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiCall } from '../http/api-call.ts';
import { success, type SuccessEnvelope } from '../http/envelope.ts';
import { Asker } from '../http/request-context.ts';
import type { RequestContext } from '../persistence/unit-of-work.ts';
import { GrantAccess, RevokeAccess } from './credential-access-handlers.ts';
import {
  CHANGE_TOKEN_SETTINGS,
  GRANT_ACCESS,
  LIST_ACCESS,
  RESET_TOKEN_SETTINGS,
  REVOKE_ACCESS,
} from './credential-access.api.ts';
import type { CredentialAddress } from './credential-changes.ts';
import { readAccess, readTokenSettings } from './credential-requests.ts';
import { GetCredential } from './credential-views.ts';
import { tokenSettingsWarnings } from './domain/token-settings.ts';
import { ChangeTokenSettings, ResetTokenSettings } from './token-settings-handlers.ts';

/** What a user may use, and what tokens for it are like: the side of `/credential/*`. */
@Controller('apiops/projects/:projectName/credentials/:username')
export class CredentialAccessController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Get('access')
  @ApiCall(LIST_ACCESS)
  async list(@Param() address: CredentialAddress): Promise<SuccessEnvelope> {
    const { credentialAccessList } = await this.queries.execute(new GetCredential(address));
    return success({ results: credentialAccessList });
  }

  @Put('access')
  @ApiCall(GRANT_ACCESS)
  async grant(
    @Asker() asker: RequestContext,
    @Param() address: CredentialAddress,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    await this.commands.execute(new GrantAccess(asker, address, readAccess(body)));
    return success();
  }

  @Delete('access')
  @ApiCall(REVOKE_ACCESS)
  async revoke(
    @Asker() asker: RequestContext,
    @Param() address: CredentialAddress,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    await this.commands.execute(new RevokeAccess(asker, address, readAccess(body)));
    return success();
  }

  @Put('token')
  @ApiCall(CHANGE_TOKEN_SETTINGS)
  async changeTokenSettings(
    @Asker() asker: RequestContext,
    @Param() address: CredentialAddress,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const { change, warnings } = readTokenSettings(body);
    const settings = await this.commands.execute(new ChangeTokenSettings(asker, address, change));
    return success({ results: [settings], warnings: [...warnings, ...tokenSettingsWarnings(settings)] });
  }

  @Delete('token')
  @ApiCall(RESET_TOKEN_SETTINGS)
  async resetTokenSettings(
    @Asker() asker: RequestContext,
    @Param() address: CredentialAddress,
  ): Promise<SuccessEnvelope> {
    const settings = await this.commands.execute(new ResetTokenSettings(asker, address));
    return success({ results: [settings], warnings: tokenSettingsWarnings(settings) });
  }
}
