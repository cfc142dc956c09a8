import type { RedisClient } from '#libs/redis-clients';
import type { ChannelKeys } from '#libs/config-distribution';
import {
  LoginThrottleUnavailable,
  type LoginAttempt,
  type LoginLimits,
  type LoginThrottle,
} from '../token-endpoint/identity/login-throttle/login-throttle.port.ts';
import { RedisLoginThrottle, type LoginKind } from '../token-endpoint/identity/login-throttle/redis-login-throttle.ts';

/** What is counted, and how many are too many. */
export interface CountedLogins {
  readonly environment: string;
  readonly kind: LoginKind;
  readonly limits: LoginLimits;
}

/** Failed logins of an environment whose keys become known only after the start; unavailable until then. */
export class EnvironmentLoginThrottle implements LoginThrottle {
  private throttle: LoginThrottle | undefined;

  constructor(
    private readonly redis: RedisClient,
    private readonly counted: CountedLogins,
    private readonly keys: () => ChannelKeys | undefined,
  ) {}

  async standing(attempt: LoginAttempt) {
    return this.known().standing(attempt);
  }

  async failed(attempt: LoginAttempt) {
    return this.known().failed(attempt);
  }

  async succeeded(attempt: LoginAttempt) {
    return this.known().succeeded(attempt);
  }

  private known(): LoginThrottle {
    const keys = this.keys();
    if (keys === undefined) throw new LoginThrottleUnavailable();
    this.throttle ??= new RedisLoginThrottle(this.redis, { ...this.counted, key: keys.keyFor('login-failures') });
    return this.throttle;
  }
}
