/** What a fetch that was made ends with when there is no document. */
const FAILURES_OF_FETCHES = [
  /** No URL, too long a one, another scheme than is allowed, or credentials in it. */
  'invalid-address',
  /** Leads to an address that is never contacted, or only with JWKS_ALLOW_PRIVATE_HOSTS. */
  'forbidden-address',
  /** No such name, no connection, or no TLS that can be trusted. */
  'unreachable',
  'timeout',
  /** Another status than 2xx. */
  'http-status',
  /** One redirect too many, one without a target, one from https to http, or one to a host it may not lead to. */
  'redirect',
  'too-large',
  /** A content coding that was not asked for, or a broken one. */
  'encoding',
  /** What came is no JSON Web Key Set (RFC 7517 section 5). */
  'not-a-key-set',
] as const;

type FailureOfFetch = (typeof FAILURES_OF_FETCHES)[number];

/** Why there is no document. Labels of a metric and words of a log line: never anything that an address or an answer held. */
export type FetchFailure =
  | FailureOfFetch
  /** Of the sets whose addresses came from variables, so many are being fetched that there is no place for another. */
  | 'too-many'
  /** Another gateway asked so short a time ago that nobody may yet ask again: what it found is all there is. No failure. */
  | 'asked-lately'
  /** Another gateway is asking, and this wish does not wait for it. No failure. */
  | 'under-way'
  /** The gateway stops. */
  | 'closed';

export interface FailedFetch {
  readonly ok: false;
  readonly failure: FetchFailure;
  /** The status, or the system's name of the error: `503`, `ECONNREFUSED`. */
  readonly detail?: string | undefined;
  /** Newer than what the wish had, and no longer fresh: what another gateway fetched before the host failed. Served as stale. */
  readonly lastGood?: FetchedDocument | undefined;
  /** Another gateway asked and found this; told to several, it is one fetch. */
  readonly isAskedByAnother?: true;
  /** When the other gateway found it, by its clock; the cooldown counts from then. undefined: now. */
  readonly failedAtMs?: number | undefined;
}

/** As its server gave it. */
export interface DownloadedDocument {
  readonly ok: true;
  readonly text: string;
  /** How long it may be used without asking again. */
  readonly freshForSeconds: number;
}

/** The same with what tells it from others of its address. */
export interface FetchedDocument extends DownloadedDocument {
  /** When it was asked for, by the clock of the gateway that asked; milliseconds since the epoch, never in the future. */
  readonly fetchedAtMs: number;
  /** The last flush that was known when it was asked for. */
  readonly flush: number;
  /** Another gateway asked for it; told to several, it is one fetch. */
  readonly isAskedByAnother?: true;
}

export type FetchOutcome = FetchedDocument | FailedFetch;

/**
 * How far redirects may lead. An address that a variable held stays on its host: else one open redirect there would let
 * whoever sets the variable choose the keys, whatever `allowedJwksHosts` says.
 */
export type RedirectReach = 'any-host' | 'same-host';

/** What is wanted, and of what use the answer would be. */
export interface FetchWish {
  readonly address: string;
  readonly redirectsTo: RedirectReach;
  /**
   * `missing`: there is no set that may be used, somebody waits for one. `due`: the set that is there is to be fetched
   * before it is no longer fresh; nobody waits. `unknown-key`: a token named a key that the set has not, and waits.
   */
  readonly reason: 'missing' | 'due' | 'unknown-key';
  /** When the set at hand was asked for: nothing that is as old is of use. undefined: there is none. */
  readonly newerThanMs: number | undefined;
  /** The last flush that counts for the address: what was asked for before it is not to be had. */
  readonly flush: number;
}

/** The servers of key sets. */
export interface KeySetSource {
  /** Never rejects. Ends within the time that a fetch may take, whatever the other side does. */
  fetch(address: string, redirectsTo: RedirectReach): Promise<DownloadedDocument | FailedFetch>;
}

/** Where documents of key sets come from: from their servers, or from another gateway that asked them. */
export interface KeySetDocuments {
  /** Never rejects. Ends, whatever the other sides do: after a fetch, and before that the patience with other gateways. */
  fetch(wish: FetchWish): Promise<FetchOutcome>;
}

/** Whether somebody was asked; a failure for which nobody was is no outage, and is not counted. */
export const isFailureOfFetch = (failure: string): failure is FailureOfFetch =>
  FAILURES_OF_FETCHES.some((one) => one === failure);

export const failed = (failure: FetchFailure, detail?: string): FailedFetch => ({ ok: false, failure, detail });
