import { Catch, HttpException, Inject, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppendInvalid, EventStoreUnavailable, isReadOnlyServer } from '#libs/event-store';
import { DomainError, type DomainErrorCode } from '../decider/domain-error.ts';
import { LOGGER } from '../injection-tokens.ts';
import { errorFacts, type Logger } from '#libs/program-shell';
import { failure, type FailureEnvelope } from './envelope.ts';
import { ACCEPTED_TYPES, RefusedRequest } from './refused-request.ts';
import { contextOf, requestIdOf } from './request-context.ts';

interface Answer {
  readonly status: number;
  readonly body: FailureEnvelope;
}

/** The one table from codes to HTTP (contract part 4). A new code does not compile until it has a line. */
const DOMAIN_ERRORS: Readonly<Record<DomainErrorCode, { status: number; error: string }>> = {
  VALIDATION_FAILED: { status: 400, error: 'validation_failed' },
  ACCESS_DENIED: { status: 403, error: 'access_denied' },
  NOT_FOUND: { status: 404, error: 'not_found' },
  CONFLICT: { status: 409, error: 'conflict' },
  UNAVAILABLE: { status: 503, error: 'unavailable' },
};

/** What the web server itself refuses, by status. */
const SERVER_ERRORS = new Map<number, { error: string; message: string }>([
  [400, { error: 'bad_request', message: 'the request cannot be understood' }],
  [403, { error: 'access_denied', message: 'that is not shown' }],
  [404, { error: 'not_found', message: 'there is no such call' }],
  [405, { error: 'bad_request', message: 'the method is not known here' }],
  [406, { error: 'not_acceptable', message: 'there is no such form of it; accept application/json' }],
  [413, { error: 'payload_too_large', message: 'the body is larger than 1 MiB' }],
  [503, { error: 'unavailable', message: 'the database cannot be reached' }],
  [415, { error: 'unsupported_media_type', message: ACCEPTED_TYPES }],
]);

const UNREACHABLE =
  /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|57P0\d|08\w{3}|25P03|25006|53300)$/;
/** `pg` gives these no code. */
const LOST_CONNECTION =
  /^(Connection terminated|timeout exceeded when trying to connect|Client (was closed|has enc)|Query read timeout)/;

/** PostgreSQL's `character_not_in_repertoire`: a text with NUL. */
const UNSTORABLE = '22021';

const codeOf = (error: unknown): string => {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
};

/** What the web server found has a status: a client that breaks off is an ECONNRESET, too. */
const isUnreachable = (error: unknown): boolean =>
  error instanceof EventStoreUnavailable ||
  (statusOf(error) === undefined &&
    (UNREACHABLE.test(codeOf(error)) || (codeOf(error) === '' && LOST_CONNECTION.test(messageOf(error)))));

const statusOf = (error: unknown): number | undefined => {
  if (error instanceof HttpException) return error.getStatus();
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' ? status : undefined;
};

/** Turns every error of `/apiops` into the contract's failure; what nobody foresaw stays in the log. */
@Catch()
export class ApiErrorFilter implements ExceptionFilter {
  constructor(@Inject(LOGGER) private readonly logger: Logger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const { status, body } = this.answer(error, host.switchToHttp().getRequest<FastifyRequest>());
    void reply.code(status).header('content-type', 'application/json; charset=utf-8').send(body);
  }

  private noteUnreachable(error: unknown, request: FastifyRequest): void {
    this.logger.error(
      { requestId: requestIdOf(request), reason: messageOf(error) },
      isReadOnlyServer(error) ? 'the database is read-only' : 'the database cannot be reached',
    );
  }

  private answer(error: unknown, request: FastifyRequest): Answer {
    if (error instanceof DomainError) {
      const { status, error: code } = DOMAIN_ERRORS[error.code];
      return { status, body: failure(code, error.message, error.faults) };
    }
    if (isUnreachable(error)) {
      this.noteUnreachable(error, request);
      return { status: 503, body: failure('unavailable', unavailableMessage(error, request)) };
    }
    if (error instanceof AppendInvalid || codeOf(error) === UNSTORABLE) {
      return { status: 400, body: failure('validation_failed', 'NUL or half a surrogate pair cannot be stored') };
    }
    if (error instanceof RefusedRequest) {
      return { status: error.status, body: failure(error.error, error.message) };
    }
    const status = statusOf(error);
    const known = status === undefined ? undefined : SERVER_ERRORS.get(status);
    if (status !== undefined && known !== undefined) return { status, body: failure(known.error, known.message) };
    if (status !== undefined && status >= 400 && status < 500) {
      return { status, body: failure('bad_request', 'the request cannot be understood') };
    }
    const where = { requestId: requestIdOf(request), method: request.method, url: request.url.split('?')[0] };
    this.logger.error({ ...errorFacts(error), ...where }, 'unforeseen error');
    return {
      status: 500,
      body: failure('server_error', 'something went wrong; it is in the log of the control plane'),
    };
  }
}

/** Almost always nothing was recorded; when the answer to a commit was lost, that cannot be known. */
function unavailableMessage(error: unknown, request: FastifyRequest): string {
  if (contextOf(request)?.progress?.isRecorded === true) {
    return 'the change was recorded, but the database went away before it could be answered; read before you try again';
  }
  if (isReadOnlyServer(error)) return 'the database is read-only at the moment; nothing was recorded';
  return error instanceof EventStoreUnavailable && error.outcome === 'unknown'
    ? 'the database went away while it was recording; read before you try again'
    : 'the database cannot be reached; nothing was recorded';
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
