import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Access } from '../http/access/access.ts';
import { bearerIn } from '../http/access/authentication.ts';
import { TOKEN_DIRECTORY, type TokenDirectory } from '../http/access/token-directory.port.ts';
import { ApiCall } from '../http/api-call.ts';
import { success, type SuccessEnvelope } from '../http/envelope.ts';
import { ProgressStreams } from '../http/progress-streams.ts';
import { RefusedRequest } from '../http/refused-request.ts';
import { Asker, AskerAccess } from '../http/request-context.ts';
import type { RequestContext } from '../persistence/unit-of-work.ts';
import type { KeyStoreAnswer } from './key-store-changes.ts';
import type { KeyStoreAddress } from './key-store-handlers.ts';
import { readRotation } from './rotation-requests.ts';
import { RotateKeys } from './rotate-keys.handler.ts';
import { ForceRotation, GetRotation, OrderRotation, type RotationOrder } from './rotation-handlers.ts';
import type { RotationView } from './rotation-progress.ts';
import {
  CANCEL_ROTATION,
  FORCE_ROTATION,
  GET_ROTATION,
  PAUSE_ROTATION,
  RESUME_ROTATION,
  ROTATE_KEYS,
  STREAM_ROTATION,
} from './rotations.api.ts';

const answered = ({ view, deploymentResult, warnings }: KeyStoreAnswer): SuccessEnvelope =>
  success({ results: [view], deploymentResult, warnings });

/** Rotations of a key in stages (peers.md F5b). */
@Controller('apiops/projects/:projectName/jwks/:name/rotate')
export class RotationsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    private readonly streams: ProgressStreams,
    @Inject(TOKEN_DIRECTORY) private readonly tokens: TokenDirectory,
  ) {}

  @Post()
  @HttpCode(200)
  @ApiCall(ROTATE_KEYS)
  async rotate(
    @Asker() asker: RequestContext,
    @Param() address: KeyStoreAddress,
    @Body() body: unknown,
  ): Promise<SuccessEnvelope> {
    const { request, warnings } = readRotation(body);
    const answer = await this.commands.execute(new RotateKeys(asker, address, request));
    return answered({ ...answer, warnings: [...warnings, ...answer.warnings] });
  }

  @Get()
  @ApiCall(GET_ROTATION)
  async one(@Param() address: KeyStoreAddress, @AskerAccess() access: Access): Promise<SuccessEnvelope> {
    return success({ results: [await this.queries.execute(new GetRotation(address, access))] });
  }

  @Post('pause')
  @HttpCode(200)
  @ApiCall(PAUSE_ROTATION)
  pause(@Asker() asker: RequestContext, @Param() address: KeyStoreAddress): Promise<SuccessEnvelope> {
    return this.order(asker, address, 'PauseRotation');
  }

  @Post('resume')
  @HttpCode(200)
  @ApiCall(RESUME_ROTATION)
  resume(@Asker() asker: RequestContext, @Param() address: KeyStoreAddress): Promise<SuccessEnvelope> {
    return this.order(asker, address, 'ResumeRotation');
  }

  @Post('force')
  @HttpCode(200)
  @ApiCall(FORCE_ROTATION)
  async force(@Asker() asker: RequestContext, @Param() address: KeyStoreAddress): Promise<SuccessEnvelope> {
    return answered(await this.commands.execute(new ForceRotation(asker, address)));
  }

  @Delete()
  @ApiCall(CANCEL_ROTATION)
  cancel(@Asker() asker: RequestContext, @Param() address: KeyStoreAddress): Promise<SuccessEnvelope> {
    return this.order(asker, address, 'CancelRotation');
  }

  /** As the stream of a deployment: what is not there is a 404 here too. */
  @Get('stream')
  @ApiCall(STREAM_ROTATION)
  async stream(
    @Param() address: KeyStoreAddress,
    @AskerAccess() access: Access,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const first = await this.queries.execute(new GetRotation(address, access));
    if (this.streams.isFull) throw new RefusedRequest(429, 'too_many_requests', 'too many streams are open; try again');
    const look = () => this.seenBy(bearerIn(request) ?? '', address, first.rotationId);
    void reply
      .header('content-type', 'text/event-stream; charset=utf-8')
      .header('cache-control', 'no-store')
      .header('x-accel-buffering', 'no')
      .send(this.streams.follow(first, look, reply.raw));
  }

  private async order(asker: RequestContext, address: KeyStoreAddress, order: RotationOrder): Promise<SuccessEnvelope> {
    return answered(await this.commands.execute(new OrderRotation(asker, address, order)));
  }

  /** A stream may outlive the token that it was opened with. */
  private async seenBy(token: string, address: KeyStoreAddress, rotationId: string): Promise<RotationView | undefined> {
    const standing = await this.tokens.standingOf(token);
    if (standing.status !== 'valid') return undefined;
    return this.queries.execute(new GetRotation(address, standing.access, rotationId));
  }
}
