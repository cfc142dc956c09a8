import { errors } from 'undici';
import { UpstreamForbidden } from './address-guard.ts';

/** Why an upstream gave no (complete) answer. `reason` is for logs. */
export interface UpstreamFailure {
  readonly kind:
    /** No connection to any address. */
    | 'unreachable'
    /** Every address is one that a gateway must not contact. */
    | 'forbidden'
    /** Nothing of the answer's head within the read timeout. */
    | 'timeout'
    /** The connection broke, or spoke no HTTP, before the answer's head. */
    | 'broken'
    /** The connection broke, or fell silent, in the middle of the answer. */
    | 'truncated'
    /** The request holds something that must not be sent on (a header value with control characters). */
    | 'unsendable';
  readonly reason: string;
}

/** How far an attempt had come when it failed. */
export interface AttemptProgress {
  readonly isWritten: boolean;
  readonly hasAnswer: boolean;
}

const codeOf = (error: Error): string => ('code' in error && typeof error.code === 'string' ? error.code : error.name);

function kindOf(error: Error, progress: AttemptProgress): UpstreamFailure['kind'] {
  if (progress.hasAnswer) return 'truncated';
  if (error instanceof UpstreamForbidden) return 'forbidden';
  if (error instanceof errors.InvalidArgumentError || error instanceof errors.NotSupportedError) return 'unsendable';
  if (error instanceof errors.HeadersTimeoutError) return 'timeout';
  return progress.isWritten ? 'broken' : 'unreachable';
}

/** Reads an error of undici. Its message may quote what the peer sent, so only its code is kept. */
export const failureOf = (error: Error, progress: AttemptProgress): UpstreamFailure => ({
  kind: kindOf(error, progress),
  reason: codeOf(error),
});

/**
 * True when the upstream closed a kept connection just as the request was written: the bytes read before belong to
 * earlier answers, so this request was not seen (RFC 9112 section 9.3.1 lets an idempotent one be sent again).
 */
export const isStaleConnection = (error: Error): boolean =>
  error instanceof errors.SocketError && (error.socket?.bytesRead ?? 0) > 0;
