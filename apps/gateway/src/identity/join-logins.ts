import { setTimeout as pause } from 'node:timers/promises';
import type { RedisClient } from '#libs/redis-clients';
import type { ChannelKeys } from '#libs/config-distribution';
import type { GatewayConfig } from '../config/gateway.config.ts';
import type { TokenMetrics } from '../metrics/token-metrics.ts';
import { PASSWORD_CHECK_DEFAULTS } from '../token-endpoint/identity/check-places.ts';
import { ClientSecretFailures } from '../token-endpoint/identity/client-secret-failures.ts';
import { CredentialPasswords } from '../token-endpoint/identity/credential-passwords.ts';
import type { LoginLimits } from '../token-endpoint/identity/login-throttle/login-throttle.port.ts';
import type { LoginKind } from '../token-endpoint/identity/login-throttle/redis-login-throttle.ts';
import { EnvironmentLoginThrottle } from './environment-login-throttle.ts';

/** Clients of proxies are programs, often many behind one address, and their secrets cannot be guessed. */
const TIMES_FOR_CLIENTS = 10;

const limitsOf = (config: GatewayConfig, times: number): LoginLimits => ({
  failuresPerName: config.loginFailuresPerUser * times,
  failuresPerAddress: config.loginFailuresPerAddress * times,
  blockMs: config.loginBlockSeconds * 1_000,
});

export interface JoinedLogins {
  readonly passwords: CredentialPasswords;
  readonly clientSecrets: ClientSecretFailures;
}

/** Picks where failed logins are counted, and how many are too many. */
export function joinLogins(
  config: GatewayConfig,
  redis: RedisClient,
  keys: () => ChannelKeys | undefined,
  metrics: TokenMetrics,
): JoinedLogins {
  const { environment, passwordChecksWaiting: waitingCount } = config;
  const throttle = (kind: LoginKind, limits: LoginLimits) =>
    new EnvironmentLoginThrottle(redis, { environment, kind, limits }, keys);
  const passwords = new CredentialPasswords({
    throttle: throttle('password', limitsOf(config, 1)),
    limits: { ...PASSWORD_CHECK_DEFAULTS, waitingCount },
    pause: (ms) => pause(ms),
    onChecked: (end) => metrics.countPasswordCheck(end),
  });
  const ofClients = throttle('client-secret', limitsOf(config, TIMES_FOR_CLIENTS));
  return {
    passwords,
    clientSecrets: new ClientSecretFailures(ofClients, () => metrics.countBlockedLogin('client-secret')),
  };
}
