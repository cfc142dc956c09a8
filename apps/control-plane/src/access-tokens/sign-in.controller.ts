import { Body, Controller, Header, HttpCode, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiCall } from '../http/api-call.ts';
import { tooManyFailures } from '../http/access/authentication.ts';
import { failure, type FailureEnvelope } from '../http/envelope.ts';
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
    private readonly budgets: RequestBudgets,
  ) {}

  @Post('token')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @Header('pragma', 'no-cache')
  @ApiCall(SIGN_IN)
  async signIn(
    @Req() { ip, headers }: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Body() body: unknown,
  ): Promise<TokenAnswer | FailureEnvelope> {
    const request = readSignIn(body, headers.authorization);
    if (!request.ok) {
      void reply.code(400);
      return failure(request.error, request.message);
    }
    const { clientId, clientSecret } = request;
    const admission = await this.attempts.admit(ip, clientSecret);
    if (!admission.isAdmitted) return tooManyFailures(reply, admission.retryAfterSeconds);
    const holder = await this.sessions.holderOf(clientId, clientSecret);
    const spent = holder && spend(reply, await this.budgets.take(holder.tokenName));
    if (spent !== undefined) return spent;
    const session = holder && (await this.sessions.open(holder));
    if (session === undefined) {
      await this.attempts.failed(ip, clientSecret);
      void reply.code(401).header('www-authenticate', 'Bearer');
      return failure('unauthorized_client', 'Bad credentials');
    }
    // Both: or whoever signs in would be let in and then be kept out for the failures of his neighbours.
    for (const good of [clientSecret, session.accessToken]) this.attempts.succeeded(ip, good);
    return { access_token: session.accessToken, token_type: 'Bearer', expires_in: session.expiresInSeconds };
  }
}
