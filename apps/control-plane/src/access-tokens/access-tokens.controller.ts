import { Body, Controller, Delete, Get, Header, HttpCode, Param, Post } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { parseWith } from '#libs/policy-contracts';
import { invalid } from '../decider/domain-error.ts';
import { ApiCall, PERMISSIONS } from '../http/api-call.ts';
import { requireJson } from '../http/bodies/body-parsers.ts';
import { success, type SuccessEnvelope } from '../http/envelope.ts';
import { faultsIn, settled } from '../http/bodies/request-bodies.ts';
import { Asker } from '../http/request-context.ts';
import type { RequestContext } from '../persistence/unit-of-work.ts';
import { CreateToken, ListTokens, RevokeToken, type TokenRequest } from './access-token-handlers.ts';
import { CREATE_TOKEN, PROJECTS_ALONE, TOKEN_CALLS } from './access-tokens.api.ts';
import { ProjectNameCheck } from './project-names.ts';

@Controller('apiops/tokens')
export class AccessTokensController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    private readonly projects: ProjectNameCheck,
  ) {}

  @Get()
  @ApiCall(TOKEN_CALLS.list)
  async list(): Promise<SuccessEnvelope> {
    return success({ results: await this.queries.execute(new ListTokens()) });
  }

  @Post()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiCall(TOKEN_CALLS.create)
  async create(@Asker() asker: RequestContext, @Body() body: unknown): Promise<SuccessEnvelope> {
    const request = await this.requestIn(requireJson(body) ?? undefined);
    return success({ results: [await this.commands.execute(new CreateToken(asker, request))] });
  }

  @Delete(':tokenName')
  @ApiCall(TOKEN_CALLS.revoke)
  async revoke(@Asker() asker: RequestContext, @Param('tokenName') name: string): Promise<SuccessEnvelope> {
    await this.commands.execute(new RevokeToken(asker, name));
    return success();
  }

  /** @throws DomainError VALIDATION_FAILED with every fault, unknown projects among them. */
  private async requestIn(body: unknown): Promise<TokenRequest> {
    const parsed = parseWith(CREATE_TOKEN, body);
    const named = parseWith(PROJECTS_ALONE, body);
    const unknown = named.ok ? await this.projects.faultsOf(named.value.projects) : [];
    if (unknown.length > 0) throw invalid([...faultsIn(parsed), ...unknown]);
    const { name, permissions, projects, expiresAt } = settled(parsed);
    return {
      name,
      permissions: PERMISSIONS.filter((one) => permissions.includes(one)),
      projects: [...new Set(projects)],
      expiresAt: expiresAt === undefined ? null : new Date(expiresAt).toISOString(),
    };
  }
}
