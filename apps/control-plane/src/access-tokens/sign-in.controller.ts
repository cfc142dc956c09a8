import { Body, Controller, Header, HttpCode, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiCall } from '../http/api-call.ts';
import { tooManyFailures } from '../http/access/authentication.ts';
import { failure, type FailureEnvelope } from '../http/envelope.ts';
import { ClientAddresses } from '../http/access/client-addresses.ts';
import { FailedAttempts } from '../http/access/failed-attempts.ts';
import { RequestBudgets, spend } from '../http/access/request-budgets.ts';
import { Sessions } from './sessions.ts';
import { readSignIn } from './sign-in-request.ts';
import { SIGN_IN } from './sign-in.api.ts';

/** RFC 6749 section 5.1. */
interface TokenAnswer {
  readonly access_token: string;
  readonly token_type: 'Bearer';
  /** Seconds. */
  readonly expires_in: number;
}

/** The vendor's way to a bearer token: a name and a secret, as a form. */
@Controller('apiops/auth')
export class SignInController {
  constructor(
    private readonly sessions: Sessions,
    private readonly attempts: FailedAttempts,
    private readonly clients: ClientAddresses,
    private readonly budgets: RequestBudgets,
  ) {}

  @Post('token')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @Header('pragma', 'no-cache')
  @ApiCall(SIGN_IN)
  async signIn(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Body() body: unknown,
  ): Promise<TokenAnswer | FailureEnvelope> {
    const read = readSignIn(body, request.headers.authorization);
    if (!read.ok) {
      void reply.code(400);
      return failure(read.error, read.message);
    }
    const { clientId, clientSecret } = read;
    const address = this.clients.of(request);
    const looked = await this.attempts.lookAt(
      { address, token: clientSecret },
      () => this.sessions.holderOf(clientId, clientSecret),
      (found) => found !== undefined,
    );
    if ('retryAfterSeconds' in looked) return tooManyFailures(reply, looked.retryAfterSeconds);
    const holder = looked.found;
    const spent = holder && spend(reply, await this.budgets.take(holder.tokenName));
    if (spent !== undefined) return spent;
    const session = holder && (await this.sessions.open(holder));
    if (session === undefined) {
      void reply.code(401).header('www-authenticate', 'Bearer');
      return failure('unauthorized_client', 'Bad credentials');
    }
    // Or whoever signs in would be let in and then be kept out for the failures of his neighbours.
    this.attempts.succeeded(address, session.accessToken);
    return { access_token: session.accessToken, token_type: 'Bearer', expires_in: session.expiresInSeconds };
  }
}
