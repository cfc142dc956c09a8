import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Put } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiCall } from '../http/api-call.ts';
import { success, type SuccessEnvelope } from '../http/envelope.ts';
import { readBody } from '../http/bodies/request-bodies.ts';
import { Asker } from '../http/request-context.ts';
import type { RequestContext } from '../persistence/unit-of-work.ts';
import type { CredentialAddress } from './credential-changes.ts';
import { ChangePassword, CreateCredential, DeleteCredential, UpdateCredential } from './credential-handlers.ts';
import { NEW_PASSWORD_SCHEMA, readCredential } from './credential-requests.ts';
import { GetCredential, ListCredentials } from './credential-views.ts';
import {
  CHANGE_PASSWORD,
  CREATE_CREDENTIAL,
  DELETE_CREDENTIAL,
  GET_CREDENTIAL,
  LIST_CREDENTIALS,
  REPLACE_CREDENTIAL,
} from './credentials.api.ts';

@Controller('apiops/projects/:projectName/credentials')
export class CredentialsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Get()
  @ApiCall(LIST_CREDENTIALS)
  async list(@Param('projectName') projectName: string): Promise<SuccessEnvelope> {
    return success({ results: await this.queries.execute(new ListCredentials(projectName)) });
  }

  @Post()
  @HttpCode(200)
  @ApiCall(CREATE_CREDENTIAL)
  async create(
    @Asker() asker: RequestContext,
    @Param('projectName') projectName: string,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    await this.commands.execute(new CreateCredential(asker, projectName, readCredential(body)));
    return success();
  }

  @Put()
  @ApiCall(REPLACE_CREDENTIAL)
  async replace(
    @Asker() asker: RequestContext,
    @Param('projectName') projectName: string,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    await this.commands.execute(new UpdateCredential(asker, projectName, readCredential(body)));
    return success();
  }

  @Get(':username')
  @ApiCall(GET_CREDENTIAL)
  async one(@Param() address: CredentialAddress): Promise<SuccessEnvelope> {
    return success({ results: [await this.queries.execute(new GetCredential(address))] });
  }

  @Patch(':username')
  @ApiCall(CHANGE_PASSWORD)
  async changePassword(
    @Asker() asker: RequestContext,
    @Param() address: CredentialAddress,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const { password } = readBody(NEW_PASSWORD_SCHEMA, body);
    await this.commands.execute(new ChangePassword(asker, address.projectName, address.username, password));
    return success();
  }

  @Delete(':username')
  @ApiCall(DELETE_CREDENTIAL)
  async remove(@Asker() asker: RequestContext, @Param() address: CredentialAddress): Promise<SuccessEnvelope> {
    await this.commands.execute(new DeleteCredential(asker, address.projectName, address.username));
    return success();
  }
}
