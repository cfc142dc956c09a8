import { LOG_LEVELS } from '#libs/program-shell';
import { GATEWAY_SETTING_DEFAULTS as DEFAULTS } from './gateway.config.ts';

const SETTINGS: readonly (readonly [name: string, byDefault: string, meaning: string])[] = [
  ['GATEWAY_ENVIRONMENT', 'required', 'name of the environment'],
  ['GATEWAY_KEY', 'required', 'shown once when the environment or the key was created'],
  ['REDIS_URL', DEFAULTS.redisUrl, 'Redis of the environment; redis:// or rediss://'],
  ['HOST', DEFAULTS.host, 'address of API traffic and token endpoints'],
  ['PORT', String(DEFAULTS.port), 'its port; 0 lets the system choose'],
  ['ADMIN_HOST', DEFAULTS.adminHost, 'address of health, metrics and inspection'],
  ['ADMIN_PORT', String(DEFAULTS.adminPort), 'its port'],
  ['ROOT_CONTEXT', 'empty', 'prefix of all API traffic; token endpoints stay at the root'],
  ['GATEWAY_ID', '<host name>-<PORT>', 'names this gateway; the same after every restart'],
  ['SNAPSHOT_DIR', `${DEFAULTS.snapshotRoot}/<GATEWAY_ID>`, 'last-known-good configuration'],
  ['WORKERS', String(DEFAULTS.workers), 'processes that share the port; only 1 in this version'],
  ['TRUSTED_PROXIES', 'none', 'CIDRs whose X-Forwarded-* are believed, comma-separated'],
  ['JWKS_ALLOW_PRIVATE_HOSTS', String(DEFAULTS.jwksAllowPrivateHosts), 'true: key sets from private hosts and by http'],
  ['JWKS_STALE_LIMIT_SECONDS', String(DEFAULTS.jwksStaleLimitSeconds), 'how long a key set serves when its host fails'],
  ['DRAIN_TIMEOUT_MS', String(DEFAULTS.drainTimeoutMs), 'how long a stop waits for requests in flight'],
  ['FAULT_CODES', DEFAULTS.faultCodes, "documented or observed: which of Apigee's fault codes are answered"],
  ['LOG_LEVEL', DEFAULTS.logLevel, LOG_LEVELS.join(', ')],
];

/** What `--help` prints. */
export function settingsHelp(): string {
  const width = (column: 0 | 1): number => Math.max(...SETTINGS.map((setting) => setting[column].length)) + 2;
  const lines = SETTINGS.map((s) => `  ${s[0].padEnd(width(0))}${s[1].padEnd(width(1))}${s[2]}`);
  return ['Gateway of one environment. Settings are environment variables:', '', ...lines, ''].join('\n');
}
