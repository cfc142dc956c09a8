import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiCall } from '../http/api-call.ts';
import { success, type SuccessEnvelope } from '../http/envelope.ts';
import { Asker } from '../http/request-context.ts';
import type { RequestContext } from '../persistence/unit-of-work.ts';
import {
  DeleteKeyStore,
  GenerateKeyStore,
  ImportKeyStore,
  ReplaceKeyStore,
  type KeyStoreAddress,
} from './key-store-handlers.ts';
import { readGeneration, readImport, readReplacement } from './key-store-requests.ts';
import {
  CREATE_KEY_STORE,
  DELETE_KEY_STORE,
  GENERATE_KEY_STORE,
  GET_KEY_STORE,
  LIST_KEY_STORES,
  REPLACE_KEY_STORE,
} from './key-stores.api.ts';
import { GetKeyStores } from './key-stores.query.ts';

/** Keys of a project, which policies name as `keyStoreName` (contract 4.2). */
@Controller('apiops/projects/:projectName/jwks')
export class KeyStoresController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Get()
  @ApiCall(LIST_KEY_STORES)
  async list(@Param('projectName') projectName: string): Promise<SuccessEnvelope> {
    return success({ results: await this.queries.execute(new GetKeyStores(projectName, undefined)) });
  }

  @Post()
  @HttpCode(200)
  @ApiCall(CREATE_KEY_STORE)
  async create(
    @Asker() asker: RequestContext,
    @Param('projectName') projectName: string,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const command = new ImportKeyStore(asker, projectName, readImport(body));
    const { view, warnings } = await this.commands.execute(command);
    return success({ results: [view], warnings });
  }

  @Post('generate')
  @HttpCode(200)
  @ApiCall(GENERATE_KEY_STORE)
  async generate(
    @Asker() asker: RequestContext,
    @Param('projectName') projectName: string,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const { request, warnings: ignored } = readGeneration(body);
    const { view, warnings } = await this.commands.execute(new GenerateKeyStore(asker, projectName, request));
    return success({ results: [view], warnings: [...ignored, ...warnings] });
  }

  @Get(':name')
  @ApiCall(GET_KEY_STORE)
  async one(@Param() { projectName, name }: KeyStoreAddress): Promise<SuccessEnvelope> {
    return success({ results: await this.queries.execute(new GetKeyStores(projectName, name)) });
  }

  @Put(':name')
  @ApiCall(REPLACE_KEY_STORE)
  async replace(
    @Asker() asker: RequestContext,
    @Param() { projectName, name }: KeyStoreAddress,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const command = new ReplaceKeyStore(asker, projectName, readReplacement(name, body));
    const { view, deploymentResult, warnings } = await this.commands.execute(command);
    return success({ results: [view], deploymentResult, warnings });
  }

  @Delete(':name')
  @ApiCall(DELETE_KEY_STORE)
  async remove(@Asker() asker: RequestContext, @Param() address: KeyStoreAddress): Promise<SuccessEnvelope> {
    await this.commands.execute(new DeleteKeyStore(asker, address));
    return success();
  }
}
