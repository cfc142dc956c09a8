import { BadSettings, LOG_LEVELS, SettingsReader, type EnvironmentVariables, type LogLevel } from '#libs/program-shell';
import type { RedisTls } from '#libs/redis-clients';
import path from 'node:path';
import { parseGatewayKey, type GatewayKey } from '#libs/config-distribution';
import { forwardingSettings, type ForwardingSettings } from './forwarding-settings.ts';
import { listenerSettings, type ListenerConfig } from './listener-settings.ts';
import { limitSettings, type LimitSettings } from './limit-settings.ts';
import { observabilitySettings, type ObservabilitySettings } from './observability-settings.ts';
import { trustedProxiesOf } from '#libs/client-addresses';
import { normalisePath } from '#libs/policy-contracts';
import { tokenCacheSettings, type TokenCacheSettings } from './token-cache-settings.ts';
import { upstreamSettings, type UpstreamSettings } from './upstream-settings.ts';
import { checkWorkerNames, readWorkers, type WorkerSettings } from './worker-settings.ts';

export const GATEWAY_SETTING_DEFAULTS = {
  redisUrl: 'redis://127.0.0.1:6379',
  host: '127.0.0.1',
  port: 8080,
  adminHost: '127.0.0.1',
  adminPort: 9090,
  rootContext: '',
  snapshotRoot: '.data/gateway',
  workers: 1,
  jwksAllowPrivateHosts: false,
  jwksStaleLimitSeconds: 86_400,
  loginFailuresPerUser: 10,
  loginFailuresPerAddress: 100,
  loginBlockSeconds: 300,
  passwordChecksWaiting: 64,
  drainTimeoutMs: 30_000,
  faultCodes: 'documented',
  logLevel: 'info',
} as const;

/** Settings that may be given as files, by `<NAME>_FILE`. */
export const GATEWAY_SECRETS = ['GATEWAY_KEY', 'REDIS_URL', 'OTEL_EXPORTER_OTLP_HEADERS'] as const;

const FAULT_CODES = ['documented', 'observed'] as const;
export type FaultCodes = (typeof FAULT_CODES)[number];

/** Settings of a gateway process, checked (contract part 3). */
export interface GatewayConfig
  extends
    ForwardingSettings,
    LimitSettings,
    ListenerConfig,
    ObservabilitySettings,
    TokenCacheSettings,
    UpstreamSettings {
  readonly environment: string;
  readonly gatewayKey: GatewayKey;
  /** Redis of the environment. */
  readonly redisUrl: string;
  /** Of an encrypted connection to it. */
  readonly redisTls?: RedisTls;
  /** Traffic and token endpoints; port 0 lets the system choose. */
  readonly host: string;
  readonly port: number;
  /** Health, metrics, inspection. */
  readonly adminHost: string;
  readonly adminPort: number;
  /** Prefix of all API traffic: `''` or `/apigateway`. */
  readonly rootContext: string;
  /** Names this gateway in deployment results and owns its snapshot; the same after every restart. */
  readonly gatewayId: string;
  /** Last-known-good configuration, sealed as received. Absolute. */
  readonly snapshotDir: string;
  /** Addresses and CIDRs whose `X-Forwarded-*` are believed. */
  readonly trustedProxies: readonly string[];
  /** Key sets may be fetched from loopback and private addresses, and by http. */
  readonly jwksAllowPrivateHosts: boolean;
  /** How long the last good key set serves when its host fails, counted from when it was fetched. */
  readonly jwksStaleLimitSeconds: number;
  /** Failed logins of one user from one address after which they are refused; 0: any number. */
  readonly loginFailuresPerUser: number;
  /** Failed logins of all users from one address (IPv6: one /64) after which they are refused; 0: any number. */
  readonly loginFailuresPerAddress: number;
  /** How long failures count, and how long logins are refused. */
  readonly loginBlockSeconds: number;
  /** Password checks that may wait for one of those that run; of one address a quarter. */
  readonly passwordChecksWaiting: number;
  /** How long a stop waits for requests in flight. */
  readonly drainTimeoutMs: number;
  readonly faultCodes: FaultCodes;
  readonly logLevel: LogLevel;
  /** Of a worker: how many of them there are. No setting, the primary says it. */
  readonly processes?: number;
}

const ENVIRONMENT_NAME = /^[A-Za-z0-9._\-$% ]{1,255}$/;
const GATEWAY_ID = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}$/;
const PORTS = [0, 65_535] as const;
const LONGEST_DRAIN_MS = 3_600_000;
const MOST_LOGIN_FAILURES = 1_000_000;
const LONGEST_BLOCK_SECONDS = 86_400;
const MOST_CHECKS_WAITING = 10_000;
const LONGEST_STALE_SECONDS = 365 * 86_400;

const matching = (form: RegExp) => (text: string) => (form.test(text) ? text : undefined);

function rootContextOf(text: string): string | undefined {
  if (!text.startsWith('/')) return undefined;
  return normalisePath(text)?.replace(/\/+$/, '');
}

function checkPorts(reader: SettingsReader, config: Pick<GatewayConfig, 'host' | 'port' | 'adminHost' | 'adminPort'>) {
  const isSame = config.host === config.adminHost && config.port === config.adminPort;
  if (isSame) reader.faults.push('ADMIN_PORT must differ from PORT');
}

function jwksSettings(reader: SettingsReader): Pick<GatewayConfig, 'jwksAllowPrivateHosts' | 'jwksStaleLimitSeconds'> {
  const { jwksAllowPrivateHosts, jwksStaleLimitSeconds } = GATEWAY_SETTING_DEFAULTS;
  const allow = reader.oneOf('JWKS_ALLOW_PRIVATE_HOSTS', ['true', 'false'], `${jwksAllowPrivateHosts}`);
  const staleRange = [0, LONGEST_STALE_SECONDS] as const;
  return {
    jwksAllowPrivateHosts: allow === 'true',
    jwksStaleLimitSeconds: reader.integer('JWKS_STALE_LIMIT_SECONDS', staleRange, jwksStaleLimitSeconds),
  };
}

type LoginSettings = Pick<
  GatewayConfig,
  'loginFailuresPerUser' | 'loginFailuresPerAddress' | 'loginBlockSeconds' | 'passwordChecksWaiting'
>;

function loginSettings(reader: SettingsReader): LoginSettings {
  const defaults = GATEWAY_SETTING_DEFAULTS;
  const failures = [0, MOST_LOGIN_FAILURES] as const;
  const block = [1, LONGEST_BLOCK_SECONDS] as const;
  const waiting = [1, MOST_CHECKS_WAITING] as const;
  return {
    loginFailuresPerUser: reader.integer('LOGIN_FAILURES_PER_USER', failures, defaults.loginFailuresPerUser),
    loginFailuresPerAddress: reader.integer('LOGIN_FAILURES_PER_ADDRESS', failures, defaults.loginFailuresPerAddress),
    loginBlockSeconds: reader.integer('LOGIN_BLOCK_SECONDS', block, defaults.loginBlockSeconds),
    passwordChecksWaiting: reader.integer('PASSWORD_CHECKS_WAITING', waiting, defaults.passwordChecksWaiting),
  };
}

/**
 * Reads and checks every setting.
 *
 * @param hostName name of this machine, for the default of GATEWAY_ID
 * @throws BadSettings naming every fault
 */
export function readGatewayConfig(variables: EnvironmentVariables, hostName: string): GatewayConfig & WorkerSettings {
  const reader = new SettingsReader(variables, GATEWAY_SECRETS);
  const defaults = GATEWAY_SETTING_DEFAULTS;
  const nameForm = '1 to 255 letters, digits, blanks or . _ - $ %';
  const environment = reader.required('GATEWAY_ENVIRONMENT', nameForm, matching(ENVIRONMENT_NAME));
  const keyForm = 'the text that was shown when it was made (gwk_…)';
  const gatewayKey = reader.required('GATEWAY_KEY', keyForm, parseGatewayKey);
  const listen = {
    host: reader.text('HOST') ?? defaults.host,
    port: reader.integer('PORT', PORTS, defaults.port),
    adminHost: reader.text('ADMIN_HOST') ?? defaults.adminHost,
    // Never chosen by the system: the gateway must know it to keep proxies away from it.
    adminPort: reader.integer('ADMIN_PORT', [1, PORTS[1]], defaults.adminPort),
  };
  const idForm = '1 to 200 letters, digits or . _ -, not starting with a dot';
  const ownId = `${hostName.replace(/[^A-Za-z0-9._-]/g, '-')}-${listen.port}`;
  const gatewayId = reader.parsed('GATEWAY_ID', idForm, matching(GATEWAY_ID)) ?? ownId;
  const settings = {
    ...listen,
    gatewayId,
    redisUrl: reader.redisUrl('REDIS_URL') ?? defaults.redisUrl,
    redisTls: reader.redisTls(),
    rootContext: reader.parsed('ROOT_CONTEXT', 'a path such as /apigateway', rootContextOf) ?? defaults.rootContext,
    snapshotDir: path.resolve(reader.text('SNAPSHOT_DIR') ?? path.join(defaults.snapshotRoot, gatewayId)),
    trustedProxies:
      reader.parsed('TRUSTED_PROXIES', 'a comma-separated list of IP addresses and CIDRs', trustedProxiesOf) ?? [],
    ...jwksSettings(reader),
    ...loginSettings(reader),
    ...limitSettings(reader),
    ...listenerSettings(reader),
    ...upstreamSettings(reader),
    ...forwardingSettings(reader),
    ...tokenCacheSettings(reader),
    ...observabilitySettings(reader),
    drainTimeoutMs: reader.integer('DRAIN_TIMEOUT_MS', [0, LONGEST_DRAIN_MS], defaults.drainTimeoutMs),
    faultCodes: reader.oneOf('FAULT_CODES', FAULT_CODES, defaults.faultCodes),
    logLevel: reader.oneOf('LOG_LEVEL', LOG_LEVELS, defaults.logLevel),
  };
  const workers = readWorkers(reader, defaults.workers);
  checkWorkerNames(reader, gatewayId, workers);
  checkPorts(reader, settings);
  if (environment === undefined || gatewayKey === undefined || reader.faults.length > 0) {
    throw new BadSettings(reader.faults);
  }
  return Object.freeze({ environment, gatewayKey, ...settings, workers });
}
