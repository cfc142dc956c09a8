import { readParameters } from '../protocol/form-parameters.ts';
import { tooManyFailures, type OAuthRefusal } from '../protocol/oauth-refusal.ts';
import type { TokenHttpRequest } from '../protocol/token-http.ts';
import { readClientClaim } from './client-authentication.ts';
import type { LoginThrottle } from './login-throttle/login-throttle.port.ts';

/** Reasons of refusals that are guesses at the secret of a proxy, or at its id. */
const GUESSES: ReadonlySet<string> = new Set(['unknown-client', 'wrong-client-secret']);

/**
 * Counts wrong secrets of proxies, which are clients under `/auth`. Unlike a password, such a secret is drawn by the
 * control plane, which warns of one of somebody's own that can be guessed. So the right one is never refused and never
 * costs a question to Redis; a flood of wrong ones is refused, and shows.
 */
export class ClientSecretFailures {
  constructor(
    private readonly throttle: LoginThrottle,
    private readonly onBlocked: () => void = () => undefined,
  ) {}

  /**
   * Counts a refused request, if a wrong secret was why.
   *
   * @returns what to answer in its place, when there were too many; undefined: nothing
   * @throws LoginThrottleUnavailable
   */
  async count(request: TokenHttpRequest, reason: string): Promise<OAuthRefusal | undefined> {
    if (!GUESSES.has(reason)) return undefined;
    const read = readParameters(request);
    const claim = read.kind === 'refused' ? read : readClientClaim(request.rawHeaders, read.parameters);
    const name = claim.kind === 'claim' ? (claim.readings[0]?.clientId ?? '') : '';
    const failed = await this.throttle.failed({ name, clientAddress: request.clientAddress });
    if (failed.kind !== 'blocked') return undefined;
    this.onBlocked();
    return tooManyFailures(failed.retryAfterSeconds);
  }
}
