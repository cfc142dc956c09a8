/** Whose failures are counted: a name that somebody says is theirs, whether anybody has it or not, from one address. */
export interface LoginAttempt {
  readonly name: string;
  /** IPv4, or IPv6: the /64 that it is in counts as one address. */
  readonly clientAddress: string;
}

/** Too many logins failed: nothing is checked until then. */
export interface LoginBlocked {
  readonly kind: 'blocked';
  /** 1 or more. */
  readonly retryAfterSeconds: number;
}

/** @property failures of this name from this address, in this window; 0 where these are not counted */
export type LoginStanding = { readonly kind: 'open'; readonly failures: number } | LoginBlocked;

/** Whether a failure was counted, with `failures` as they are now; `blocked`: the limit had been reached before. */
export type LoginFailure = { readonly kind: 'counted'; readonly failures: number } | LoginBlocked;

/** When logins are refused. A limit of 0 counts nothing. */
export interface LoginLimits {
  /** Failures of one name from one address. */
  readonly failuresPerName: number;
  /** Failures of all names from one address. */
  readonly failuresPerAddress: number;
  /** How long failures count from the first on, and how long nothing is checked from the last one on. */
  readonly blockMs: number;
}

/**
 * Counts failed logins by name and address, with a wider limit by address (ADR 24), for any number of gateways at once.
 * Only failures count, so right logins never stand in each other's way. Counts end by themselves. Every call throws
 * `LoginThrottleUnavailable` when it cannot be known now.
 */
export interface LoginThrottle {
  /** Whether a login may be tried now. Changes nothing. */
  standing(attempt: LoginAttempt): Promise<LoginStanding>;
  /** Counts a failure, in one step with looking whether the limit had been reached. */
  failed(attempt: LoginAttempt): Promise<LoginFailure>;
  /** Forgets the failures of this name from this address; those of the address stay. */
  succeeded(attempt: LoginAttempt): Promise<void>;
}

/** Where failures are counted is away. */
export class LoginThrottleUnavailable extends Error {
  readonly code = 'LOGIN_THROTTLE_UNAVAILABLE';
  constructor(options?: ErrorOptions) {
    super('failed logins cannot be counted now', options);
    this.name = 'LoginThrottleUnavailable';
  }
}
