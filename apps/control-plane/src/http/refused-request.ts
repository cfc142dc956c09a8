/** A request that the web edge refuses before any call has seen it. Its message is for the client. */
export class RefusedRequest extends Error {
  constructor(
    readonly status: number,
    /** The contract's `error`. */
    readonly error: string,
    message: string,
  ) {
    super(message);
    this.name = 'RefusedRequest';
  }
}

export const malformed = (message: string): RefusedRequest => new RefusedRequest(400, 'bad_request', message);

export const ACCEPTED_TYPES =
  'send the body as application/json (a policy-verify-jwt also as application/xml, a sign-in as application/x-www-form-urlencoded)';

export const unsupported = (message = ACCEPTED_TYPES): RefusedRequest =>
  new RefusedRequest(415, 'unsupported_media_type', message);
