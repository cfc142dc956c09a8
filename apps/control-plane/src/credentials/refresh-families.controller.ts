import { Controller, Delete, Get, Param, Query } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { invalidField } from '../decider/domain-error.ts';
import { ApiCall } from '../http/api-call.ts';
import { success, type SuccessEnvelope } from '../http/envelope.ts';
import { Asker } from '../http/request-context.ts';
import type { RequestContext } from '../persistence/unit-of-work.ts';
import type { CredentialAddress } from './credential-changes.ts';
import { LIST_FAMILIES, REVOKE_FAMILIES, REVOKE_FAMILY } from './refresh-families.api.ts';
import { ListRefreshFamilies, RevokeRefreshFamilies } from './refresh-family-handlers.ts';

/** Each environment has refresh tokens of its own. @throws DomainError VALIDATION_FAILED */
function oneEnvironment(environmentName: unknown): string {
  if (typeof environmentName === 'string' && environmentName !== '') return environmentName;
  throw invalidField('environmentName', 'required', 'environmentName is required in the query, once');
}

@Controller('apiops/projects/:projectName/credentials/:username/tokens')
export class RefreshFamiliesController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Get()
  @ApiCall(LIST_FAMILIES)
  async list(
    @Param() address: CredentialAddress,
    @Query('environmentName') environmentName: unknown,
  ): Promise<SuccessEnvelope> {
    const query = new ListRefreshFamilies(address, oneEnvironment(environmentName));
    return success({ results: await this.queries.execute(query) });
  }

  @Delete()
  @ApiCall(REVOKE_FAMILIES)
  async revokeAll(
    @Asker() asker: RequestContext,
    @Param() address: CredentialAddress,
    @Query('environmentName') environmentName: unknown,
  ): Promise<SuccessEnvelope> {
    const command = new RevokeRefreshFamilies(asker, address, oneEnvironment(environmentName), undefined);
    return success({ results: [{ revoked: await this.commands.execute(command) }] });
  }

  @Delete(':family')
  @ApiCall(REVOKE_FAMILY)
  async revokeOne(
    @Asker() asker: RequestContext,
    @Param() { family, ...address }: CredentialAddress & { family: string },
    @Query('environmentName') environmentName: unknown,
  ): Promise<SuccessEnvelope> {
    const command = new RevokeRefreshFamilies(asker, address, oneEnvironment(environmentName), family);
    return success({ results: [{ revoked: await this.commands.execute(command) }] });
  }
}
