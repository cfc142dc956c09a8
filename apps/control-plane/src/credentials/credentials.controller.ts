import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Put } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { z } from 'zod';
import { optional, withDefault } from '#libs/policy-contracts';
import { success, type SuccessEnvelope } from '../http/envelope.ts';
import { readBody } from '../http/request-bodies.ts';
import { Asker } from '../http/request-context.ts';
import type { RequestContext } from '../persistence/unit-of-work.ts';
import {
  ChangePassword,
  CreateCredential,
  DeleteCredential,
  ListCredentials,
  UpdateCredential,
  type CredentialRequest,
} from './credential-handlers.ts';

const PASSWORD = z.string().min(1).max(1000);
/** Ignoring these would let in whom they keep out; they come with the rest of the vendor's access control. */
const notYet = z.array(z.unknown()).max(0, { error: 'is not supported in this version' });

/** The vendor's credential body, as far as the password grant needs it. */
const CREDENTIAL = z.strictObject({
  username: z.string().min(1).max(255),
  password: PASSWORD,
  email: z.string().min(1).max(320),
  fullName: z.string().min(1).max(255),
  description: withDefault(z.string().max(1000), ''),
  enabled: withDefault(z.boolean(), true),
  expireDate: optional(z.iso.datetime({ offset: true, error: 'must be an ISO 8601 date and time' })),
  roleNameList: withDefault(
    z.array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/, { error: 'must be a scope token' })),
    [],
  ),
  ipList: withDefault(notYet, []),
});
const NEW_PASSWORD = z.strictObject({ password: PASSWORD });

function requestIn(body: unknown): CredentialRequest {
  const { expireDate, roleNameList, ipList: _ipList, ...rest } = readBody(CREDENTIAL, body);
  const expiresAt = expireDate === undefined ? null : new Date(expireDate).toISOString();
  return { ...rest, expiresAt, roles: [...new Set(roleNameList)] };
}

@Controller('apiops/projects/:projectName/credentials')
export class CredentialsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Get()
  async list(@Param('projectName') projectName: string): Promise<SuccessEnvelope> {
    return success({ results: await this.queries.execute(new ListCredentials(projectName)) });
  }

  @Post()
  @HttpCode(200)
  async create(
    @Asker() asker: RequestContext,
    @Param('projectName') projectName: string,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    await this.commands.execute(new CreateCredential(asker, projectName, requestIn(body)));
    return success();
  }

  @Put()
  async replace(
    @Asker() asker: RequestContext,
    @Param('projectName') projectName: string,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    await this.commands.execute(new UpdateCredential(asker, projectName, requestIn(body)));
    return success();
  }

  @Patch(':username')
  async changePassword(
    @Asker() asker: RequestContext,
    @Param() address: { projectName: string; username: string },
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const { password } = readBody(NEW_PASSWORD, body);
    await this.commands.execute(new ChangePassword(asker, address.projectName, address.username, password));
    return success();
  }

  @Delete(':username')
  async remove(
    @Asker() asker: RequestContext,
    @Param('projectName') projectName: string,
    @Param('username') username: string,
  ): Promise<SuccessEnvelope> {
    await this.commands.execute(new DeleteCredential(asker, projectName, username));
    return success();
  }
}
