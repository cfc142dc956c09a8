import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { z } from 'zod';
import { optional, withDefault } from '#libs/policy-contracts';
import { parseRedisUrl, REDIS_URL_FORM } from '#libs/program-shell';
import { success, type SuccessEnvelope } from '../http/envelope.ts';
import { nameField, readBody } from '../http/request-bodies.ts';
import { Asker } from '../http/request-context.ts';
import type { RequestContext } from '../persistence/unit-of-work.ts';
import {
  AddGatewayKey,
  CreateEnvironment,
  GetEnvironment,
  ListEnvironments,
  ListGatewayKeys,
  RevokeGatewayKey,
} from './environment-handlers.ts';

const CREATE = z.strictObject({
  name: nameField,
  description: withDefault(z.string().max(1000), ''),
  redisUrl: optional(
    z
      .string()
      .max(2000)
      .refine((text) => parseRedisUrl(text) !== undefined, { error: `must be ${REDIS_URL_FORM}` }),
  ),
  tokenIssuer: optional(z.string().min(1).max(255)),
  expiresInUnit: withDefault(z.enum(['SECONDS', 'MILLISECONDS']), 'SECONDS'),
});

@Controller('apiops/environments')
export class EnvironmentsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Get()
  async list(): Promise<SuccessEnvelope> {
    return success({ results: await this.queries.execute(new ListEnvironments()) });
  }

  @Post()
  @HttpCode(200)
  async create(@Asker() asker: RequestContext, @Body() body: unknown): Promise<SuccessEnvelope> {
    const { tokenIssuer, ...request } = readBody(CREATE, body);
    const issuer = tokenIssuer ?? `https://gatewarden/${encodeURIComponent(request.name)}`;
    const command = new CreateEnvironment(asker, { ...request, redisUrl: request.redisUrl, tokenIssuer: issuer });
    return success({ results: [await this.commands.execute(command)] });
  }

  @Get(':environmentName')
  async one(@Param('environmentName') name: string): Promise<SuccessEnvelope> {
    return success({ results: [await this.queries.execute(new GetEnvironment(name))] });
  }

  @Get(':environmentName/keys')
  async keys(@Param('environmentName') name: string): Promise<SuccessEnvelope> {
    return success({ results: await this.queries.execute(new ListGatewayKeys(name)) });
  }

  @Post(':environmentName/keys')
  @HttpCode(200)
  async addKey(@Asker() asker: RequestContext, @Param('environmentName') name: string): Promise<SuccessEnvelope> {
    return success({ results: [await this.commands.execute(new AddGatewayKey(asker, name))] });
  }

  @Delete(':environmentName/keys/:keyId')
  async revokeKey(
    @Asker() asker: RequestContext,
    @Param('environmentName') name: string,
    @Param('keyId') keyId: string,
  ): Promise<SuccessEnvelope> {
    await this.commands.execute(new RevokeGatewayKey(asker, name, keyId));
    return success();
  }
}
