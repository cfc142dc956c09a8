/** Why there is no document. Labels of a metric and words of a log line: never anything that an address or an answer held. */
export type FetchFailure =
  /** No URL, too long a one, another scheme than is allowed, or credentials in it. */
  | 'invalid-address'
  /** Leads to an address that is never contacted, or only with JWKS_ALLOW_PRIVATE_HOSTS. */
  | 'forbidden-address'
  /** No such name, no connection, or no TLS that can be trusted. */
  | 'unreachable'
  | 'timeout'
  /** Another status than 2xx. */
  | 'http-status'
  /** One redirect too many, one without a target, one from https to http, or one to a host it may not lead to. */
  | 'redirect'
  | 'too-large'
  /** A content coding that was not asked for, or a broken one. */
  | 'encoding'
  /** Of the sets whose addresses came from variables, so many are being fetched that there is no place for another. */
  | 'too-many'
  /** What came is no JSON Web Key Set (RFC 7517 section 5). */
  | 'not-a-key-set'
  /** The gateway stops. */
  | 'closed';

export interface FailedFetch {
  readonly ok: false;
  readonly failure: FetchFailure;
  /** The status, or the system's name of the error: `503`, `ECONNREFUSED`. */
  readonly detail?: string | undefined;
}

export interface FetchedDocument {
  readonly ok: true;
  readonly text: string;
  /** How long it may be used without asking again. */
  readonly freshForSeconds: number;
}

export type FetchOutcome = FetchedDocument | FailedFetch;

/**
 * How far redirects may lead. An address that a variable held stays on its host: else one open redirect there would let
 * whoever sets the variable choose the keys, whatever `allowedJwksHosts` says.
 */
export type RedirectReach = 'any-host' | 'same-host';

/** Where documents of key sets come from. */
export interface KeySetDocuments {
  /** Never rejects. Ends within the time that a fetch may take, whatever the other side does. */
  fetch(address: string, redirectsTo: RedirectReach): Promise<FetchOutcome>;
}

export const failed = (failure: FetchFailure, detail?: string): FailedFetch => ({ ok: false, failure, detail });
